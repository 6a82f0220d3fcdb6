/*
 * What the parts of the crowd share: its clients, its messages, and the account of both.
 */
#ifndef TESTS_LOAD_CROWD_CROWD_H
#define TESTS_LOAD_CROWD_CROWD_H

#include "lib/id.h"
#include "tests/load/crowd/client.h"
#include "tests/load/crowd/http.h"

enum {
	NOT_YET = 0, /* of a time */
};

/* One message that is sent. */
struct post {
	uint32_t group;
	uint32_t seq; /* 0: nobody has said yet */
	int64_t due_us;
	int64_t begun_us; /* it was handed to a connection */
	int64_t acked_us; /* NOT_YET, or when the 201 came */
};

/* The members of a conversation are beside each other in the list of clients. */
struct group {
	char id[UUID_TEXT_LEN + 1];
	size_t first;
	size_t nmembers;
	uint32_t nacked; /* 201s in all phases: seq goes from 1 to here */
};

struct crowd {
	struct loop loop;
	struct sockaddr_in broker; /* MQTT on TCP */
	struct sockaddr_in front;  /* HTTP, and MQTT on WebSocket */
	struct client *clients;
	size_t nclients;
	struct group *groups;
	size_t ngroups;
	struct uuid run; /* ids of messages begin like this and end with their number */

	/* of the phase */
	size_t nopening_max; /* connections begun and not ready at one time */
	size_t nopening;
	size_t naway; /* clients that should be connected and are not */
	size_t nsyncing;
	bool syncs; /* after each connect */
	struct post *posts;
	size_t nposts;
	size_t first_number; /* of the first of the posts */
	uint32_t *delays_us; /* of each first arrival over MQTT */
	size_t ndelays;
	size_t ndelays_max;

	/* since the start */
	size_t nothers; /* events that are no message */
	size_t nread;	/* messages that were read over HTTP and had not come over MQTT */
	size_t nrepeated;
	size_t ndisordered; /* arrived after a later one, not having been there before */
	size_t nwrong;	    /* not what it should be: reported with a line in the log */
	size_t nattempts_failed;
	size_t nlost; /* connections */
	size_t nhttp_failed;
	int last_status; /* of those; 0: the connection was lost */
};

/* Takes the payload of an event that has come to a client. */
void account_event(struct crowd *crowd, struct client *client, struct str payload);

/* Takes a page of GET /sync: its messages, and where it ends. Is there more? */
bool account_page(struct crowd *crowd, struct client *client, struct str body);

/* The 201 of one post. */
void account_ack(struct crowd *crowd, size_t number, struct str body);

/* A request was not answered as it should be. status 0: not at all. */
void account_failure(struct crowd *crowd, int status);

/* Messages that clients should have and have not. */
size_t account_missing(const struct crowd *crowd);

/* Clients that have more than was acknowledged. */
size_t account_surplus(const struct crowd *crowd);

#endif
