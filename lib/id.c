/*
 * UUIDs: text in and out by table, since every row and every event has several; and new ones in
 * version 7, which sort by the time they were made. Called by every layer. Not for secrets: an id
 * tells when it was made.
 * New ids come from one thread of a process.
 */
#include "lib/id.h"

#include <sodium.h>

#include "lib/time.h"

enum {
	COUNTER_BITS = 26, /* rand_a and the first 14 bits of rand_b */
	MARK = 0x10,
};

/* The value of a hexadecimal digit, marked; 0 of anything else. */
#define DIGIT(value) (MARK | (value))
static const uint8_t hex_values[256] = {
	['0'] = DIGIT(0),
	['1'] = DIGIT(1),
	['2'] = DIGIT(2),
	['3'] = DIGIT(3),
	['4'] = DIGIT(4),
	['5'] = DIGIT(5),
	['6'] = DIGIT(6),
	['7'] = DIGIT(7),
	['8'] = DIGIT(8),
	['9'] = DIGIT(9),
	['a'] = DIGIT(10),
	['b'] = DIGIT(11),
	['c'] = DIGIT(12),
	['d'] = DIGIT(13),
	['e'] = DIGIT(14),
	['f'] = DIGIT(15),
	['A'] = DIGIT(10),
	['B'] = DIGIT(11),
	['C'] = DIGIT(12),
	['D'] = DIGIT(13),
	['E'] = DIGIT(14),
	['F'] = DIGIT(15),
};

/* Where the two digits of each byte stand. */
static const uint8_t offsets[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };

/* Both digits of each byte. */
static const char hex_pairs[] = "000102030405060708090a0b0c0d0e0f"
				"101112131415161718191a1b1c1d1e1f"
				"202122232425262728292a2b2c2d2e2f"
				"303132333435363738393a3b3c3d3e3f"
				"404142434445464748494a4b4c4d4e4f"
				"505152535455565758595a5b5c5d5e5f"
				"606162636465666768696a6b6c6d6e6f"
				"707172737475767778797a7b7c7d7e7f"
				"808182838485868788898a8b8c8d8e8f"
				"909192939495969798999a9b9c9d9e9f"
				"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
				"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
				"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
				"d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
				"e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
				"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

/* What the last id of this process was made from. */
struct uuid_clock {
	int64_t time_ms;
	uint32_t counter;
};

/* Moves the clock past what it was, whatever the wall clock says. start: random bits. */
static void clock_step(struct uuid_clock *clock, int64_t now_ms, uint32_t start)
{
	if (now_ms > clock->time_ms) {
		clock->time_ms = now_ms;
		/* the highest bit is left clear, so that a millisecond has at least 2^25 ids */
		clock->counter = start & ((1u << (COUNTER_BITS - 1)) - 1);
		return;
	}
	if (++clock->counter < 1u << COUNTER_BITS)
		return;
	clock->time_ms++;
	clock->counter = 0;
}

/* A new id at now_ms. */
static void uuid_make(struct uuid_clock *clock, int64_t now_ms, struct uuid *out)
{
	uint32_t start;
	uint8_t random[sizeof(start) + 6];
	randombytes_buf(random, sizeof(random));
	memcpy(&start, random, sizeof(start));
	clock_step(clock, now_ms, start);
	for (int i = 0; i < 6; i++)
		out->bytes[i] = (uint8_t)(clock->time_ms >> (40 - 8 * i));
	out->bytes[6] = (uint8_t)(0x70 | clock->counter >> 22);
	out->bytes[7] = (uint8_t)(clock->counter >> 14);
	out->bytes[8] = (uint8_t)(0x80 | (clock->counter >> 8 & 0x3f));
	out->bytes[9] = (uint8_t)clock->counter;
	memcpy(out->bytes + 10, random + sizeof(start), 6);
}

enum err uuid_parse(struct str text, struct uuid *out)
{
	if (text.len != UUID_TEXT_LEN)
		return ERR_INVALID_INPUT;
	const unsigned char *p = (const unsigned char *)text.ptr;
	if (p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-')
		return ERR_INVALID_INPUT;
	struct uuid id;
	unsigned marks = MARK;
	for (int i = 0; i < 16; i++) {
		unsigned high = hex_values[p[offsets[i]]];
		unsigned low = hex_values[p[offsets[i] + 1]];
		marks &= high & low;
		id.bytes[i] = (uint8_t)(high << 4 | (low & 15));
	}
	if (!marks)
		return ERR_INVALID_INPUT;
	*out = id;
	return OK;
}

void uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1])
{
	for (int i = 0; i < 16; i++)
		memcpy(out + offsets[i], hex_pairs + 2 * id->bytes[i], 2);
	out[8] = out[13] = out[18] = out[23] = '-';
	out[UUID_TEXT_LEN] = '\0';
}

void uuid_new(struct uuid *out)
{
	static struct uuid_clock clock;
	uuid_make(&clock, time_now_us() / 1000, out);
}

bool uuid_is_nil(const struct uuid *id)
{
	static const struct uuid nil;
	return uuid_equal(id, &nil);
}
