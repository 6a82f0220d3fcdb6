/*
 * Other people's tokens, see the header.
 */
#include "push/broker/identity.h"

#include "lib/log.h"
#include "lib/time.h"
#include "lib/topic.h"
#include "push/broker/broker.h"
#include "push/broker/control.h"
#include "push/broker/notice.h"
#include "push/broker/publish.h"

enum {
	WANTED_EVERY_US = 1000 * 1000
};

void identity_free(struct identity *identity)
{
	idp_free(identity->idp);
	*identity = (struct identity){ 0 };
}

static enum err notice_publish(const struct notice *notice)
{
	char text[NOTICE_BYTES_MAX];
	size_t len;
	notice_write(notice, text, &len);
	return broker_publish(TOPIC_IDENTITY, (struct str){ text, len }, 1, false, 0);
}

/* The place of an issuer, which it has or is now given; there is one for each. */
static struct wanted *wanted_of(struct identity *identity, const char *issuer, int64_t now_us)
{
	struct wanted *wanted = identity->wanted;
	while (wanted->issuer && wanted->issuer != issuer)
		wanted++;
	if (!wanted->issuer)
		*wanted = (struct wanted){ issuer, now_us - WANTED_EVERY_US };
	return wanted;
}

static void wanted_tell(struct identity *identity, struct str issuer)
{
	int64_t now_us = time_mono_us();
	struct wanted *wanted = wanted_of(identity, issuer.ptr, now_us);
	if (now_us - wanted->told_us < WANTED_EVERY_US)
		return;
	wanted->told_us = now_us;
	const struct notice notice = { .kind = NOTICE_WANTED, .issuer = issuer };
	if (notice_publish(&notice) != OK)
		log_error("out of memory, nobody is told that a key is wanted");
}

enum err identity_verify(
	struct broker *broker, struct str token, int64_t now_s, struct idp_token *out)
{
	struct identity *identity = &broker->identity;
	struct str issuer;
	if (!identity->idp)
		return ERR_UNAUTHORIZED;
	enum err err = idp_verify(identity->idp, token, now_s, out, &issuer);
	if (err == ERR_NOT_FOUND)
		wanted_tell(identity, issuer);
	return err;
}

enum err identity_tell(struct broker *broker, const struct idp_token *token)
{
	const struct notice notice = {
		.kind = NOTICE_SEEN,
		.user_id = token->user_id,
		.session_id = token->session_id,
		.claims = { token->claims, token->claims_len },
	};
	if (broker->clients.nlistening == 0)
		return ERR_UNAVAILABLE;
	return notice_publish(&notice);
}

void identity_listen(struct broker *broker)
{
	clients_expire_unknown(&broker->clients);
}

void identity_receive_known(struct broker *broker, const struct control *control)
{
	struct str ids = control->ids;
	struct uuid session_id;
	while (control_id(&ids, &session_id))
		clients_know(&broker->clients, &session_id);
}

void identity_receive(struct broker *broker, const struct control *control)
{
	struct idp *idp;
	switch (idp_read(control->payload, &idp)) {
	case OK:
		break;
	case ERR_UNAVAILABLE:
		log_error("out of memory, keys of identity providers stay as they were");
		return;
	default:
		log_error("keys of identity providers refused, they stay as they were",
			LOG_INT("bytes", control->payload.len));
		return;
	}
	identity_free(&broker->identity);
	broker->identity.idp = idp;
	log_info("keys of identity providers taken", LOG_INT("bytes", control->payload.len));
}
