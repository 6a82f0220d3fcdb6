/*
 * A position in PostgreSQL's write-ahead log: never a bare integer (rule 11).
 */
#ifndef PUSH_LSN_H
#define PUSH_LSN_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t lsn_t; /* bytes from the beginning of the log; 0: none */

enum {
	LSN_TEXT_BYTES = 18
};

/* As PostgreSQL writes it: two halves in hexadecimal with a slash between, and a NUL. */
static inline void lsn_format(lsn_t lsn, char out[LSN_TEXT_BYTES])
{
	snprintf(out, LSN_TEXT_BYTES, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

#endif
