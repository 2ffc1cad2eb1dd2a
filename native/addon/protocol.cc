/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of native/wire/protocol.h as the C compiler sees them, so that a test can hold the
 * generated TypeScript to them. A table is named as its macro is, without WIRE_.
 */
#include "addon.h"

#include "wire/protocol.h"

namespace
{

struct Row {
    const char *name;
    double value;
};

#define ROW(name, value, ...) {#name, static_cast<double>(value)},

template <size_t count>
void AddTable(Napi::Object tables, const char *name, const Row (&rows)[count])
{
    Napi::Object table = Napi::Object::New(tables.Env());
    for (const Row &row : rows)
        table.Set(row.name, Napi::Number::New(tables.Env(), row.value));
    tables.Set(name, table);
}

const Row kNumbers[] = {WIRE_NUMBERS(ROW)};
const Row kFrameTypes[] = {WIRE_FRAME_TYPES(ROW)};
const Row kFlags[] = {WIRE_FLAGS(ROW)};
const Row kPhases[] = {WIRE_PHASES(ROW)};
const Row kFacts[] = {WIRE_FACTS(ROW)};
const Row kTables[] = {WIRE_TABLES(ROW)};
const Row kOperations[] = {WIRE_OPERATIONS(ROW)};
const Row kAsks[] = {WIRE_ASKS(ROW)};
const Row kResultFlags[] = {WIRE_RESULT_FLAGS(ROW)};
const Row kErrors[] = {WIRE_ERRORS(ROW)};
const Row kLogLevels[] = {WIRE_LOG_LEVELS(ROW)};
const Row kHeaders[] = {WIRE_HEADERS(ROW)};
const Row kScoreboardSizes[] = {WIRE_SCOREBOARD_SIZES(ROW)};
const Row kScoreboardHeader[] = {WIRE_SCOREBOARD_HEADER(ROW)};
const Row kScoreboardSlot[] = {WIRE_SCOREBOARD_SLOT(ROW)};
const Row kWorkerStates[] = {WIRE_WORKER_STATES(ROW)};
const Row kWorkerEndings[] = {WIRE_WORKER_ENDINGS(ROW)};
const Row kBreakerStates[] = {WIRE_BREAKER_STATES(ROW)};

} // namespace

void InitProtocol(Napi::Env env, Napi::Object exports)
{
    Napi::Object tables = Napi::Object::New(env);
    AddTable(tables, "NUMBERS", kNumbers);
    AddTable(tables, "FRAME_TYPES", kFrameTypes);
    AddTable(tables, "FLAGS", kFlags);
    AddTable(tables, "PHASES", kPhases);
    AddTable(tables, "FACTS", kFacts);
    AddTable(tables, "TABLES", kTables);
    AddTable(tables, "OPERATIONS", kOperations);
    AddTable(tables, "ASKS", kAsks);
    AddTable(tables, "RESULT_FLAGS", kResultFlags);
    AddTable(tables, "ERRORS", kErrors);
    AddTable(tables, "LOG_LEVELS", kLogLevels);
    AddTable(tables, "HEADERS", kHeaders);
    AddTable(tables, "SCOREBOARD_SIZES", kScoreboardSizes);
    AddTable(tables, "SCOREBOARD_HEADER", kScoreboardHeader);
    AddTable(tables, "SCOREBOARD_SLOT", kScoreboardSlot);
    AddTable(tables, "WORKER_STATES", kWorkerStates);
    AddTable(tables, "WORKER_ENDINGS", kWorkerEndings);
    AddTable(tables, "BREAKER_STATES", kBreakerStates);

    // The meaning of a header's row is its name on the wire, which code depends on.
    Napi::Object names = Napi::Object::New(env);
#define NAME(name, value, meaning) names.Set(#name, Napi::String::New(env, meaning));
    WIRE_HEADERS(NAME)
#undef NAME
    tables.Set("HEADER_NAMES", names);
    exports.Set("protocol", tables);
}
