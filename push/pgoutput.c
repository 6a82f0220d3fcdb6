/*
 * Reading and writing of the replication protocol; see the header. Used by stream.c.
 */
#include "push/pgoutput.h"

#include <endian.h>
#include <string.h>

/* PostgreSQL counts microseconds from 2000-01-01. */
static const int64_t epoch_us = INT64_C(946684800) * 1000000;

/* Takes from the front of what is left; once something was missing, everything is. */
struct reader {
	struct str left;
	bool failed;
};

static struct str take(struct reader *reader, size_t len)
{
	if (reader->failed || reader->left.len < len) {
		reader->failed = true;
		return (struct str){ NULL, 0 };
	}
	struct str taken = { reader->left.ptr, len };
	reader->left.ptr += len;
	reader->left.len -= len;
	return taken;
}

static uint8_t take_u8(struct reader *reader)
{
	struct str bytes = take(reader, 1);
	return bytes.ptr == NULL ? 0 : (uint8_t)bytes.ptr[0];
}

static uint32_t take_u32(struct reader *reader)
{
	uint32_t number = 0;
	struct str bytes = take(reader, sizeof(number));
	if (bytes.ptr != NULL)
		memcpy(&number, bytes.ptr, sizeof(number));
	return be32toh(number);
}

static uint64_t take_u64(struct reader *reader)
{
	uint64_t number = 0;
	struct str bytes = take(reader, sizeof(number));
	if (bytes.ptr != NULL)
		memcpy(&number, bytes.ptr, sizeof(number));
	return be64toh(number);
}

/* A time; one that does not fit after the change of epoch is none of PostgreSQL's. */
static int64_t take_time(struct reader *reader)
{
	int64_t time_us = (int64_t)take_u64(reader);
	if (__builtin_add_overflow(time_us, epoch_us, &time_us))
		reader->failed = true;
	return time_us;
}

static struct str take_string(struct reader *reader)
{
	const char *nul =
		reader->left.len > 0 ? memchr(reader->left.ptr, 0, reader->left.len) : NULL;
	if (nul == NULL) {
		reader->failed = true;
		return (struct str){ NULL, 0 };
	}
	struct str string = take(reader, (size_t)(nul - reader->left.ptr));
	take(reader, 1);
	return string;
}

static void begin_read(struct reader *reader, struct frame *frame)
{
	frame->kind = FRAME_BEGIN;
	frame->lsn = take_u64(reader);
	frame->commit_us = take_time(reader);
	frame->xid = take_u32(reader);
}

static void commit_read(struct reader *reader, struct frame *frame)
{
	frame->kind = FRAME_COMMIT;
	take_u8(reader);  /* flags, unused */
	take_u64(reader); /* where the commit record begins */
	frame->lsn = take_u64(reader);
	frame->commit_us = take_time(reader);
}

static void message_read(struct reader *reader, struct frame *frame)
{
	frame->kind = FRAME_MESSAGE;
	frame->transactional = take_u8(reader) & 1;
	frame->lsn = take_u64(reader);
	frame->prefix = take_string(reader);
	frame->content = take(reader, take_u32(reader));
}

static void data_read(struct reader *reader, struct frame *frame)
{
	take_u64(reader); /* where this begins */
	frame->wal_end = take_u64(reader);
	take_u64(reader); /* the server's clock */
	switch (take_u8(reader)) {
	case 'B':
		begin_read(reader, frame);
		break;
	case 'C':
		commit_read(reader, frame);
		break;
	case 'M':
		message_read(reader, frame);
		break;
	default:
		frame->kind = FRAME_OTHER;
		reader->left.len = 0;
		break;
	}
}

static void keepalive_read(struct reader *reader, struct frame *frame)
{
	frame->kind = FRAME_KEEPALIVE;
	frame->wal_end = take_u64(reader);
	take_u64(reader); /* the server's clock */
	frame->reply_asked = take_u8(reader) != 0;
}

enum err frame_read(struct str bytes, struct frame *out)
{
	struct reader reader = { .left = bytes };
	struct frame frame = { 0 };
	uint8_t kind = take_u8(&reader);
	if (kind == 'w')
		data_read(&reader, &frame);
	else if (kind == 'k')
		keepalive_read(&reader, &frame);
	else
		return ERR_MALFORMED;
	if (reader.failed || reader.left.len > 0)
		return ERR_MALFORMED;
	*out = frame;
	return OK;
}

void frame_write_status(lsn_t received, lsn_t confirmed, int64_t now_us, bool ask_reply,
	char out[FRAME_STATUS_BYTES])
{
	const uint64_t numbers[] = { /* written, flushed, applied, and our clock */
		htobe64(received), htobe64(confirmed), htobe64(confirmed),
		htobe64((uint64_t)(now_us - epoch_us))
	};
	_Static_assert(1 + sizeof(numbers) + 1 == FRAME_STATUS_BYTES, "as the protocol has it");
	out[0] = 'r';
	memcpy(out + 1, numbers, sizeof(numbers));
	out[FRAME_STATUS_BYTES - 1] = ask_reply ? 1 : 0;
}
