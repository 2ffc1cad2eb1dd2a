-- SPDX-License-Identifier: Apache-2.0
-- The benchmark's hooks for mod_lua.

local path = os.getenv("BENCH_LOG")
local file

function access(r)
  if r.headers_in["X-Bench"] ~= "yes" then return 403 end
  return apache2.OK
end

function authenticate(r)
  local encoded = string.match(r.headers_in["Authorization"] or "", "^Basic (.*)$")
  local user, password = string.match(encoded and r:base64_decode(encoded) or "", "^([^:]*):(.*)$")
  if user ~= "bench" or password ~= "secret" then
    r.err_headers_out["WWW-Authenticate"] = 'Basic realm="bench"'
    return 401
  end
  r.user = user
  return apache2.OK
end

function log(r)
  if file == nil then
    file = io.open(path, "a")
    file:setvbuf("line")
  end
  file:write(r.method, " ", r.uri, " ", r.status, "\n")
  return apache2.OK
end
