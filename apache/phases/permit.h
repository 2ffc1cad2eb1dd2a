/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker may say of a request or its answer, and what is httpd's business alone. Pure text:
 * libc and the codec only, so that a fuzzer can have it alone.
 */
#ifndef TENON_PERMIT_H
#define TENON_PERMIT_H

#include "wire/fields.h"
#include "wire/protocol.h"

/* Whether a field is of the connection, not of the message (RFC 9110, 7.6.1). */
int tenon_permit_is_hop_by_hop(wire_text name);

/* Whether a field belongs to the connection or says where a message ends: httpd's business, both.
 */
int tenon_permit_is_framing(wire_text name);

/*
 * Why a hook of a phase may not make a change, or NULL when it may. `how` is the operation and the
 * table; `value` is NULL when the change unsets.
 */
const char *tenon_permit_refusal(wire_phase phase, uint8_t how, const char *name,
                                 const char *value);

#endif
