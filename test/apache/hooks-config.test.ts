// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configtest, pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { type Mistake, refuses } from "../helpers/mistakes.ts";

/** A mistake in one line, beside a pool "a". @param around sections that the line stands in */
function mistake(title: string, line: string, says: RegExp, around = ""): Mistake {
  const sections = [...around.matchAll(/<(\w+)/g)].map(([, name]) => `</${name}>`);
  const inside = [around, line, ...sections.reverse()].join("\n");
  return { title, text: `${pool("a")}${inside}`, line, says };
}

const mistakes: Mistake[] = [
  mistake(
    "an unknown phase",
    "TenonHook authen a",
    /no phase 'authen': write one of .*check_user_id/,
  ),
  mistake("an export's name for a phase", "TenonHook accessChecker a", /no phase 'accessChecker'/),
  mistake(
    "a hook of an unknown pool",
    "TenonHook fixups nobody",
    /TenonHook: there is no pool 'nobody': add a section <TenonPool nobody>/,
  ),
  mistake("a hook without pool", "TenonHook fixups", /write TenonHook <phase> <pool>\[#<export>\]/),
  mistake("an empty pool", "TenonHook fixups #check", /'#check' names no pool: write <pool>/),
  mistake(
    "an export that is no name",
    "TenonHook fixups a#9lives",
    /'9lives' is not the name of an export: .* leave #9lives out for fixups/,
  ),
  mistake(
    "the default export",
    "TenonHook fixups a#default",
    /'default' is not the name of an export/,
  ),
  mistake(
    "an expression that is none",
    'TenonHook fixups a when="%{REQUEST_METHOD} =="',
    /when="%\{REQUEST_METHOD\} ==" is not an expression \(.+\): write one such as/,
  ),
  mistake(
    "an unknown option",
    "TenonHook fixups a retries=3",
    /'retries=3' is not known: write when=, order=, timeout=, on-error=, cache= or errors=/,
  ),
  mistake("an option without value", "TenonHook fixups a when", /'when' is not known: write when=/),
  mistake(
    "an option that stands twice",
    "TenonHook fixups a timeout=1 timeout=2",
    /timeout= stands twice: leave one out/,
  ),
  mistake(
    "error pages of another phase",
    "TenonHook fixups a errors=on",
    /only output_filter takes errors=/,
  ),
  mistake(
    "a filter without pool",
    "TenonFilter x output",
    /write TenonFilter <name> output\|input <pool>/,
  ),
  mistake(
    "a filter of no direction",
    "TenonFilter x both a",
    /write TenonFilter <name> output\|input/,
  ),
  mistake(
    "a filter with a name that httpd has",
    "TenonFilter chunk output a",
    /another module has a filter 'chunk'/,
  ),
  mistake(
    "a filter of an unknown pool",
    "TenonFilter x output nobody",
    /TenonFilter: there is no pool 'nobody'/,
  ),
  mistake("an unknown order", "TenonHook fixups a order=first", /write early, middle or late/),
  mistake(
    "a time that is none",
    "TenonHook fixups a timeout=soon",
    /'soon' is not a time from .*: write a number of seconds/,
  ),
  mistake(
    "an unknown policy",
    "TenonHook fixups a on-error=ignore",
    /on-error=ignore is not known: write deny, decline or a status from 400 to 599/,
  ),
  mistake("a status of success", "TenonHook fixups a on-error=200", /a status from 400 to 599/),
  mistake(
    "a status for a phase without result",
    "TenonHook insert_filter a on-error=deny",
    /on-error=deny cannot hold in insert_filter, .*: write decline, or leave it out/,
  ),
  mistake(
    "a policy of the log phase",
    "TenonHook log_transaction a on-error=deny",
    /log_transaction takes no on-error=/,
  ),
  mistake(
    "a time-out of the log phase",
    "TenonHook log_transaction a timeout=1s",
    /log_transaction takes no timeout=/,
  ),
  mistake("an unknown word for the cache", "TenonHook fixups a cache=yes", /write on or off/),
  mistake("a cache of the handler", "TenonHook handler a cache=on", /handler takes no cache=/),
  mistake(
    "a cache of a filter",
    "TenonHook output_filter a cache=on",
    /output_filter takes no cache=/,
  ),
  mistake(
    "an order of a provider's function",
    "TenonHook check_password a order=late",
    /check_password takes no order=: who is asked first is said by AuthBasicProvider/,
  ),
  mistake(
    "a status for a provider's function",
    "TenonHook get_realm_hash a on-error=403",
    /on-error=403 cannot hold in get_realm_hash: write decline/,
  ),
  mistake(
    "an authorization's check as a hook",
    "TenonHook check_authorization a",
    /write Require tenon <pool>#<export>/,
  ),
  mistake("a map as a hook", "TenonHook map a", /write RewriteMap <name> tenon:<pool>#<export>/),
  mistake(
    "a quick handler in a directory",
    "TenonHook quick_handler a",
    /quick_handler never runs in <Directory>.*: write it in the server or a <VirtualHost>, with when=/,
    '<Directory "/srv">',
  ),
  mistake(
    "a quick handler in a location",
    "TenonHook quick_handler a",
    /quick_handler never runs in <Location>/,
    '<Location "/x">',
  ),
  mistake(
    "map_to_storage in a location",
    "TenonHook map_to_storage a",
    /map_to_storage never runs in <Location>/,
    '<Location "/x">',
  ),
  mistake(
    "a translation in a directory",
    "TenonHook translate_name a",
    /translate_name never runs in <Directory>.*: write it in the server, a <VirtualHost> or a <Location>/,
    '<Directory "/srv">',
  ),
  mistake(
    "a hook for some methods only",
    "TenonHook fixups a",
    /cannot occur within <Limit> .*: write when=/,
    '<Location "/x">\n<Limit POST>',
  ),
  mistake(
    "none with an option",
    "TenonHook fixups none timeout=1",
    /none takes no options: leave 'timeout=1' out/,
  ),
  mistake(
    "none behind a hook of its section",
    "TenonHook fixups none",
    /write it before the section's other hooks of fixups/,
    "<Location /x>\nTenonHook fixups a",
  ),
  mistake(
    "a hook that the section has",
    "TenonHook fixups A#fixups",
    /this hook stands on line \d+ of .* already: leave one out/,
    "<Location /x>\nTenonHook fixups a",
  ),
  {
    title: "a hook inside of a pool",
    text: `<TenonPool a>\nTenonHook fixups a\n</TenonPool>`,
    line: "TenonHook fixups a",
    says: /inside of a pool: put it behind <\/TenonPool>/,
  },
  mistake("an option without value", "TenonOption name", /TenonOption takes two arguments/),
  mistake(
    "an option that stands twice",
    "TenonOption name b",
    /name stands twice here: leave one out/,
    "<Location /x>\nTenonOption name a",
  ),
  mistake(
    "an override of an unknown pool",
    "TenonAllowOverride a nobody",
    /TenonAllowOverride: there is no pool 'nobody'/,
  ),
  mistake("none beside a pool", "TenonAllowOverride a none", /none stands alone: leave it out/),
  mistake("an override of nothing", "TenonAllowOverride", /takes the pools .*, or none/),
  mistake(
    "two overrides in a section",
    "TenonAllowOverride none",
    /stands twice here: write all pools in one line/,
    "<Location /x>\nTenonAllowOverride a",
  ),
];

describe("TenonHook in the configuration", () => {
  refuses(mistakes);

  it("accepts every phase where it can run, and every option", async () => {
    const text = ({ htdocs }: { htdocs: string }): string => `${pool("a")}
TenonHook quick_handler a when="%{REQUEST_URI} =~ m#^/quick#" on-error=decline
TenonHook post_read_request a#first order=early
TenonHook map_to_storage A
TenonOption "who is it" "nobody"
TenonAllowOverride none
<VirtualHost *:*>
  TenonHook post_read_request none
  TenonHook post_read_request a#second order=late
  <If "%{REQUEST_METHOD} == 'PUT'">
    TenonHook pre_translate_name a
  </If>
</VirtualHost>
<LocationMatch "^/x">
  TenonHook pre_translate_name a timeout=250ms
  TenonHook translate_name a
</LocationMatch>
<Directory "${htdocs}">
  TenonHook post_perdir_config a cache=off
  TenonHook header_parser a
  TenonHook access_checker a "when=-n %{HTTP:Cookie}" on-error=403 cache=on
  TenonHook access_checker a when='-z %{HTTP:Cookie}'
  TenonHook access_checker_ex a on-error=deny
  TenonHook force_authn a
  TenonHook check_user_id a
  TenonHook auth_checker a
  TenonHook type_checker a
  TenonHook fixups a
  TenonHook handler a
  TenonHook insert_filter a on-error=decline
  TenonHook insert_error_filter a
  TenonHook note_auth_failure a
  TenonHook log_transaction a
  TenonHook output_filter a
  TenonHook input_filter a
  TenonAllowOverride a A
  <Files "*.txt">
    TenonHook fixups none
  </Files>
</Directory>`;
    const { code, output } = await configtest({ text });
    assert.equal(output, "Syntax OK\n");
    assert.equal(code, 0);
  });
});

describe("exports that the configuration names", () => {
  let httpd: TestHttpd;
  before(async () => {
    httpd = await startHttpd({
      text: `${pool("a", "TenonProcesses 0 1")}${pool("b", "TenonProcesses 0 1")}
TenonHook fixups a
TenonHook access_checker a#mayEnter
<Location "/x">
  TenonHook check_user_id a#mayEnter
  TenonAllowOverride B
</Location>`,
    });
  });
  after(() => httpd.stop());

  it("reach the supervisor, each once for its pool", () => {
    const { pools } = JSON.parse(readFileSync(join(httpd.runtime, "config.json"), "utf8")) as {
      pools: { name: string; exports: string[] }[];
    };
    assert.deepEqual(
      pools.map(({ name, exports }) => [name, exports]),
      [
        ["a", ["fixups", "mayEnter"]],
        ["b", ["*"]],
      ],
    );
  });
});
