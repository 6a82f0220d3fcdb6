/*
 * What parley-push says to the plugin, each as one QoS 1 publish to $CONTROL/parley/v1.
 * A text head of lines, an empty line, then, where there is one, the payload to the end:
 *
 *	deliver <topic name> <qos> <expiry_s>\n	payload goes to users/<id>/<topic name> of each
 *	<user id>\n				(expiry_s 0: none; else an MQTT 5 message expiry)
 *	<user id>\n …
 *	\n
 *	{"type":"message.created", …}
 *
 *	resync <window_ms>\n\n			every connected user gets "sync.required" on users/<id>/sync,
 *						spread over window_ms; payload: the event to send
 *
 * Ids are canonical lower case. A publish that does not read so is refused whole.
 */
#ifndef PUSH_BROKER_CONTROL_H
#define PUSH_BROKER_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/id.h"
#include "lib/text.h"
#include "lib/topic.h"

enum {
	CONTROL_RECIPIENTS_MAX = 4096
};

enum control_verb {
	CONTROL_DELIVER,
	CONTROL_RESYNC
};

struct control {
	enum control_verb verb;
	enum topic_name topic; /* of deliver */
	int qos;	       /* 0 or 1 */
	uint32_t expiry_s;
	uint32_t window_ms;    /* of resync */
	struct str recipients; /* the lines of ids, each UUID_TEXT_LEN + 1 bytes */
	size_t nrecipients;
	struct str payload;
};

/* Reads a publish; everything in *out is borrowed from text. ERR_INVALID_INPUT when it is none. */
must_check enum err control_read(struct str text, struct control *out);

#endif
