local SSL_REQUEST = string.pack('>I4I4', 8, 80877103)
local GSS_REQUEST = string.pack('>I4I4', 8, 80877104)
local INTERVAL = 10

local function milliseconds_since(began)
  local now = core.now()
  return (now.sec - began.sec) * 1000 + (now.usec - began.usec) / 1000
end

local function error_response(message)
  local fields = 'SFATAL\0VFATAL\0C57P03\0M' .. message .. '\0\0'
  return 'E' .. string.pack('>I4', #fields + 4) .. fields
end

local function refuse(txn)
  local first = txn.req:input() >= 8 and txn.req:data(0, 8)
  if first == SSL_REQUEST or first == GSS_REQUEST then
    txn.req:remove(0, 8)
    txn.res:send('N')
    local began = core.now()
    while txn.req:input() == 0 and milliseconds_since(began) < 1000 do
      core.msleep(INTERVAL)
    end
  end
  txn.res:send(error_response('the cluster has no primary at the moment'))
end

core.register_action('hold', { 'tcp-req' }, function(txn, backend, milliseconds)
  local began = core.now()
  local bound = tonumber(milliseconds)
  while txn.f:nbsrv(backend) ~= 1 do
    if milliseconds_since(began) >= bound then
      refuse(txn)
      return
    end
    core.msleep(INTERVAL)
  end
  txn:set_var('txn.go', true)
end, 2)
