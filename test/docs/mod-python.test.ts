// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers/httpd.ts";

/** Every case of mod_python 3.5's test/test.py and test/htdocs/tests.py. */
const modPythonCases = `
test_req_document_root test_req_add_handler test_req_add_bad_handler
test_req_add_empty_handler_string test_req_add_handler_empty_phase test_req_add_handler_directory
test_accesshandler_add_handler_to_empty_hl test_req_allow_methods test_req_unauthorized
test_req_get_basic_auth_pw test_req_get_basic_auth_pw_latin1 test_req_auth_type test_req_requires
test_req_internal_redirect test_req_construct_url test_req_read test_req_readline
test_req_readlines test_req_discard_request_body test_req_register_cleanup test_req_headers_out
test_req_sendfile test_req_sendfile2 test_req_sendfile3 test_req_handler test_req_no_cache
test_req_update_mtime test_util_redirect test_req_server_get_options test_fileupload
test_fileupload_embedded_cr test_fileupload_split_boundary test_sys_argv test_PythonOption
test_PythonOption_override test_PythonOption_remove test_PythonOption_remove2
test_interpreter_per_directive test_interpreter_per_directory test_util_fieldstorage
test_postreadrequest test_trans test_import test_outputfilter test_req_add_output_filter
test_req_register_output_filter test_connectionhandler test_internal test_pipe_ext
test_wsgihandler test_wsgihandler_location test_cgihandler test_psphandler test_psp_parser
test_psp_error test_Cookie_Cookie test_Cookie_MarshalCookie test_Session_Session
test_Session_illegal_sid test_files_directive test_none_handler test_server_return
test_phase_status test_publisher test_publisher_auth_nested test_publisher_auth_method_nested
test_publisher_auth_digest test_publisher_security test_publisher_iterator
test_publisher_hierarchy test_publisher_old_style_instance test_publisher_instance
test_publisher_cache test_server_side_include test_memory testLoadModule testVersionCheck
test_global_lock test_srv_register_cleanup test_apache_register_cleanup test_apache_log_error
test_apache_table test_req_add_common_vars test_req_add_cgi_vars test_req_members
test_req_get_remote_host test_server_members test_connection_members
`;

/** Every file of these folders of mod_perl 2.0's t/. */
const modPerlCases = `
hooks/access hooks/authen_basic hooks/authen_digest hooks/authz hooks/cleanup hooks/cleanup2
hooks/error hooks/hookrun hooks/init hooks/inlined_handlers hooks/push_handlers
hooks/push_handlers_anon hooks/stacked_handlers hooks/stacked_handlers2 hooks/startup hooks/trans
api/access2 api/access2_24 api/add_config api/content_encoding api/custom_response
api/err_headers_out api/in_out_filters api/internal_redirect api/internal_redirect_handler
api/lookup_misc api/lookup_uri api/request_rec api/rflush api/sendfile api/slurp_filename
api/status filter/both_str_con_add filter/both_str_native_remove filter/both_str_req_add
filter/both_str_req_mix filter/both_str_req_proxy filter/in_autoload filter/in_bbs_body
filter/in_bbs_consume filter/in_bbs_inject_header filter/in_bbs_msg filter/in_bbs_underrun
filter/in_error filter/in_init_basic filter/in_str_bin_data filter/in_str_consume
filter/in_str_declined filter/in_str_declined_read filter/in_str_lc filter/in_str_msg
filter/in_str_sandwich filter/out_apache filter/out_bbs_ctx filter/out_bbs_filebucket
filter/out_init_basic filter/out_str_buffer filter/out_str_ctx filter/out_str_declined
filter/out_str_lc filter/out_str_remove filter/out_str_req_eos filter/out_str_req_mix
filter/out_str_reverse filter/out_str_subreq_default filter/out_str_subreq_modperl
filter/with_subrequest error/runtime error/syntax
`;

/** Every directive of mod_python 3.5. */
const directives = `
PythonAccessHandler PythonAuthenHandler PythonAuthzHandler PythonAutoReload PythonCleanupHandler
PythonConnectionHandler PythonDebug PythonEnablePdb PythonFixupHandler PythonHandler
PythonHandlerModule PythonHeaderParserHandler PythonImport PythonInitHandler PythonInputFilter
PythonInterpPerDirective PythonInterpPerDirectory PythonInterpreter PythonLogHandler
PythonOptimize PythonOption PythonOutputFilter PythonPath PythonPostReadRequestHandler
PythonTransHandler PythonTypeHandler
`;

const names = (text: string): string[] => text.trim().split(/\s+/);

/** The cases of the document's tables, with what it says of each. */
function readTables(): Map<string, string> {
  const document = readFileSync(join(root, "docs", "mod_python.md"), "utf8");
  const rows = [...document.matchAll(/^\| `((?:test|[a-z]+\/)\w+)` \| (.+) \|$/gm)];
  const cases = rows.map((row) => [row[1] ?? "", row[2] ?? ""] as const);
  assert.equal(new Set(cases.map(([name]) => name)).size, cases.length, "a case stands twice");
  return new Map(cases);
}

/** Cases that the titles of tests name in parentheses. */
function readTested(): Set<string> {
  const folder = join(root, "test", "apache", "parity");
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  const sources = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
  const lists = [...sources.matchAll(/\bit\("[^"]*\(([\w/, ]+)\)"/g)];
  return new Set(lists.flatMap((list) => names((list[1] ?? "").replaceAll(",", " "))));
}

describe("docs/mod_python.md", () => {
  const documented = readTables();
  const tested = readTested();

  it("says of every directive what replaces it", () => {
    const document = readFileSync(join(root, "docs", "mod_python.md"), "utf8");
    const rows = document.match(/^\| `Python.* \| .+ \|$/gm) ?? [];
    assert.deepEqual(
      names(directives).filter((name) => !rows.some((row) => row.includes(`\`${name}`))),
      [],
    );
  });

  it("goes through every case of mod_python's and mod_perl's test programs", () => {
    const all = [...names(modPythonCases), ...names(modPerlCases)];
    assert.deepEqual(
      all.filter((name) => !documented.has(name)),
      [],
    );
  });

  it("says tested of what a test names, and only of that", () => {
    const said = [...documented].filter(([, text]) => text === "tested").map(([name]) => name);
    assert.deepEqual(said.toSorted(), [...tested].toSorted());
  });

  it("has a reason for every case that is not tested", () => {
    const reasons = [...documented].filter(([, text]) => text !== "tested");
    assert.deepEqual(
      reasons.filter(([, text]) => !/^\S.*\S[.]?$/.test(text) || text.length < 9),
      [],
    );
  });

  it("names files that exist", () => {
    const document = readFileSync(join(root, "docs", "mod_python.md"), "utf8");
    for (const [path = ""] of document.matchAll(/test\/apache\/[a-z-]+\.test\.ts/g)) {
      assert.doesNotThrow(() => readFileSync(join(root, path)), path);
    }
  });
});
