local SSL_REQUEST = string.pack('>I4I4', 8, 80877103)
local GSS_REQUEST = string.pack('>I4I4', 8, 80877104)
local INTERVAL = 10
local ANSWER_MILLISECONDS = 1000

local function milliseconds_since(began)
  local now = core.now()
  return (now.sec - began.sec) * 1000 + (now.usec - began.usec) / 1000
end

-- Each call costs; one that comes late by a hundredth of the wait does not matter.
local function call_again(waited)
  act.wake_time(math.max(INTERVAL, math.floor(waited / 100)))
  return act.YIELD
end

local function error_response(message)
  local fields = 'SFATAL\0VFATAL\0C57P03\0M' .. message .. '\0\0'
  return 'E' .. string.pack('>I4', #fields + 4) .. fields
end

local function refuse_encryption(txn)
  local first = txn.req:input() >= 8 and txn.req:data(0, 8)
  if first ~= SSL_REQUEST and first ~= GSS_REQUEST then
    return false
  end
  txn.req:remove(0, 8)
  txn.res:send('N')
  return true
end

-- 1 once every server of the backend that is checked at all has been. Until then HAProxy takes it for a usable one.
core.register_fetches('checked', function(txn, backend)
  for _, server in pairs(core.backends[backend].servers) do
    if string.find(server:get_stats().check_status or '', 'INI', 1, true) then
      return 0
    end
  end
  return 1
end)

core.register_action('hold', { 'tcp-req' }, function(txn, backend, milliseconds)
  local held = txn:get_priv()
  if held == nil then
    held = { began = core.now() }
    txn:set_priv(held)
  end
  if held.refused == nil then
    if txn.f:nbsrv(backend) == 1 then
      txn:set_var('txn.go', true)
      return act.CONTINUE
    end
    local waited = milliseconds_since(held.began)
    if waited < tonumber(milliseconds) then
      return call_again(waited)
    end
    if refuse_encryption(txn) then
      held.refused = core.now()
    end
  end
  if held.refused and txn.req:input() == 0 then
    local waited = milliseconds_since(held.refused)
    if waited < ANSWER_MILLISECONDS then
      return call_again(waited)
    end
  end
  txn.res:send(error_response('the cluster has no primary at the moment'))
  return act.CONTINUE
end, 2)
