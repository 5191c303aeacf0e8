/** Lines that Holdfast takes; the integration test asks PostgreSQL whether it does, too. */
export const openLines = [
  'host app app 0.0.0.0/0 scram-sha-256',
  'hostssl app app ::/0 cert',
  'host app app 0.0.0.0 0.0.0.0 scram-sha-256',
  'host app app :: :: scram-sha-256',
  'host all all all reject',
  'host all all a"ll" scram-sha-256',
];

export const acceptedLines = [
  ...openLines,
  'local all postgres peer map=admins',
  'host app app 10.0.0.0/8 scram-sha-256',
  'host app app 10.0.0.0 255.0.0.0 scram-sha-256 # the office',
  'host\tapp,\tother "all" samenet scram-sha-256',
  'hostssl "a, b # c" +team fe80::/10 scram-sha-256 clientcert=verify-full',
  'hostnossl sameuser "@users" .example.com scram-sha-256',
  'hostgssenc all all db.example.com gss include_realm=0',
  'host "say ""hi""" all samehost gss map="a b" krb_realm=X',
];
