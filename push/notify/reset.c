/* Mails for forgotten passwords (reset.h). Called by main.c. */
#include "push/notify/reset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/time.h"
#include "push/notify/mail.h"
#include "push/notify/smtp.h"
#include "sql/store/reset.h"

enum {
	MAILS_MAX = 8,	 /* at once */
	TAKES_MAX = 100, /* in one look: most may come to nothing, and signals want to be seen */
	/* longer than a mail can take; whoever has died meanwhile loses no more than this */
	LEASE_S = 90,
	MESSAGE_BYTES = 8192,
	LOOK_MIN_MS = 50, /* what is due, but being taken by another, is no reason to hurry */
	AGAIN_MIN_MS = 1000,
	AGAIN_MAX_MS = 300000,
};

static const char token_mark[] = "{token}";

static const char text_format[] =
	/* nothing in it is of somebody else's choice: a name could be made to say what it likes to whoever has this address */
	"Somebody, most likely you, has asked for a new password for the account\n"
	"with this e-mail address.\n"
	"\n"
	"To choose one, open this link within %d minutes. It works once:\n"
	"\n"
	"%.*s%s%s\n"
	"\n"
	"If it was not you, there is nothing to do: your password stays as it is.\n";

struct reset_mail {
	struct smtp smtp;
	struct resets *resets; /* NULL: free */
	struct uuid id;
	uint8_t hash[SECRET_HASH_BYTES];
	int64_t tries;
};

struct resets {
	const struct conf *conf;
	struct db *db;
	struct transfers *transfers;
	struct arena *arena;
	struct mail_sender from;
	bool warned; /* that there is no mail */
	struct reset_mail mails[MAILS_MAX];
};

struct resets *resets_new(const struct conf *conf, struct db *db, struct transfers *transfers)
{
	struct resets *resets = calloc(1, sizeof(*resets));
	if (!resets)
		fatal("out of memory");
	*resets = (struct resets){
		.conf = conf,
		.db = db,
		.transfers = transfers,
		.arena = arena_new(),
	};
	if (conf->smtp_url[0] == '\0')
		return resets;
	if (mail_sender_read(str_of(conf->mail_from), &resets->from) != OK)
		fatal("bad mail_from"); /* conf_load has refused it */
	return resets;
}

static void log_mail(enum log_level level, const char *message, const struct uuid *id,
	int64_t tries, const char *reason)
{
	char text[UUID_TEXT_LEN + 1];
	uuid_format(id, text);
	LOG_LINE(level, message, LOG_STR("reset_id", text), LOG_INT("tries", tries),
		LOG_STR("reason", reason));
}

/* --- what came of a mail -----------------------------------------------------------------------
 */

static void mail_release(struct reset_mail *mail)
{
	struct resets *resets = mail->resets;
	smtp_free(&mail->smtp, resets->transfers);
	*mail = (struct reset_mail){ 0 };
}

/* 1, 2, 4 … seconds, at most five minutes. */
static int64_t again_ms(int64_t tries)
{
	int64_t ms = AGAIN_MIN_MS;
	while (--tries > 0 && ms < AGAIN_MAX_MS)
		ms *= 2;
	return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

static enum err mail_again(struct reset_mail *mail, const char *reason)
{
	struct resets *resets = mail->resets;
	log_mail(LOG_LEVEL_WARN, "a mail could not be sent: trying again", &mail->id, mail->tries,
		reason);
	return db_reset_again(
		resets->db, resets->arena, &mail->id, mail->hash, again_ms(mail->tries));
}

static void mail_done(struct smtp *smtp, enum smtp_result result, const char *reason)
{
	struct reset_mail *mail = (struct reset_mail *)smtp;
	struct resets *resets = mail->resets;
	/* what cannot be noted comes up again when the lease ends, and the database has said why */
	enum err noted = OK;
	switch (result) {
	case SMTP_SENT:
		log_mail(LOG_LEVEL_INFO, "a mail was sent", &mail->id, mail->tries, "");
		noted = db_reset_sent(resets->db, resets->arena, &mail->id, mail->hash);
		break;
	case SMTP_LATER:
		noted = mail_again(mail, reason);
		break;
	case SMTP_REFUSED:
		log_mail(LOG_LEVEL_WARN, "a mail was refused", &mail->id, mail->tries, reason);
		noted = db_reset_drop(resets->db, resets->arena, &mail->id);
		break;
	}
	(void)noted;
	arena_reset(resets->arena);
	mail_release(mail);
}

/* --- sending -----------------------------------------------------------------------------------
 */

static void mail_begin(struct reset_mail *mail, const struct reset_job *job, const char *token)
{
	struct resets *resets = mail->resets;
	const char *url = resets->conf->reset_url;
	const char *mark = strstr(url, token_mark);
	struct buf text = { 0 };
	buf_reserve(&text, MESSAGE_BYTES);
	buf_printf(&text, text_format, (resets->conf->reset_ttl_s + 59) / 60, (int)(mark - url),
		url, token, mark + sizeof(token_mark) - 1);
	buf_reserve(&mail->smtp.message, MESSAGE_BYTES); /* so that no part of it stays elsewhere */
	mail_write(&mail->smtp.message, &(struct mail){
						.from = &resets->from,
						.to = job->email,
						.subject = "Your new password",
						.text = { text.data, text.len },
						.id = job->id,
						.sent_at_us = time_now_us(),
					});
	explicit_bzero(text.data, text.cap);
	buf_free(&text);
	mail->id = job->id;
	mail->tries = job->tries;
	mail->smtp.done = mail_done;
	if (!smtp_send(
		    &mail->smtp, resets->transfers, resets->conf, resets->from.address, job->email))
		mail_done(&mail->smtp, SMTP_LATER, "it cannot be started");
}

/* Takes one request on. ERR_NOT_FOUND: there is none. */
static enum err mail_take(struct resets *resets, struct reset_mail *mail)
{
	char token[SECRET_TEXT_LEN + 1];
	struct reset_job job = { 0 };
	secret_new(token, mail->hash);
	enum err err = db_reset_take(
		resets->db, resets->arena, mail->hash, resets->conf->reset_ttl_s, LEASE_S, &job);
	if (err == OK && job.expired) {
		log_mail(LOG_LEVEL_ERROR, "a mail could not be sent in time: given up", &job.id,
			job.tries - 1, "");
	} else if (err == OK && job.email.ptr && !mail_address_ok(job.email)) {
		log_mail(LOG_LEVEL_WARN, "a mail has no address that it could go to", &job.id,
			job.tries, "");
		err = db_reset_drop(resets->db, resets->arena, &job.id);
	} else if (err == OK && job.email.ptr) {
		mail->resets = resets;
		mail_begin(mail, &job, token);
	}
	explicit_bzero(token, sizeof(token));
	arena_reset(resets->arena);
	return err;
}

/* A free place, or NULL. */
static struct reset_mail *mail_free_one(struct resets *resets)
{
	for (size_t i = 0; i < MAILS_MAX; i++) {
		if (!resets->mails[i].resets)
			return &resets->mails[i];
	}
	return NULL;
}

/* Requests that are age_s old or older are of no use to anybody. */
static enum err lapse(struct resets *resets, int64_t age_s, int64_t *count)
{
	enum err err = db_reset_lapse(resets->db, resets->arena, age_s, count);
	arena_reset(resets->arena);
	return err;
}

static enum err next_look(struct resets *resets, int64_t now_us, int64_t *look_at_us)
{
	int64_t delay_ms = 0;
	enum err err = db_reset_next(resets->db, resets->arena, &delay_ms);
	arena_reset(resets->arena);
	if (delay_ms < LOOK_MIN_MS)
		delay_ms = LOOK_MIN_MS;
	if (err == OK && now_us + delay_ms * 1000 < *look_at_us)
		*look_at_us = now_us + delay_ms * 1000;
	return err == ERR_NOT_FOUND ? OK : err;
}

enum err resets_look(struct resets *resets, int64_t now_us, int64_t *look_at_us)
{
	int64_t lapsed;
	if (resets->conf->smtp_url[0] == '\0') {
		enum err err = lapse(resets, 0, &lapsed);
		if (err == OK && lapsed > 0 && !resets->warned) {
			log_warn("somebody asks for a new password, and there is no mail: smtp_url "
				 "is not set");
			resets->warned = true;
		}
		return err;
	}
	/* a mail may be the last thing that a request brings about, and its token lives as long again */
	enum err err = lapse(resets, 2 * (int64_t)resets->conf->reset_ttl_s, &lapsed);
	struct reset_mail *mail = mail_free_one(resets);
	for (int i = 0; i < TAKES_MAX && err == OK && mail; i++) {
		err = mail_take(resets, mail);
		mail = mail_free_one(resets);
	}
	/* where no place is free, the end of a mail is when to look again */
	if (err == OK && mail)
		*look_at_us = now_us;
	if (err == ERR_NOT_FOUND)
		err = next_look(resets, now_us, look_at_us);
	return err;
}

void resets_free(struct resets *resets)
{
	if (!resets)
		return;
	for (size_t i = 0; i < MAILS_MAX; i++) {
		struct reset_mail *mail = &resets->mails[i];
		if (!mail->resets)
			continue;
		/* nobody has answered for it: whoever looks next sends it anew, which is not before this one is broken off */
		transfer_break(resets->transfers, &mail->smtp.transfer);
		if (db_reset_again(resets->db, resets->arena, &mail->id, mail->hash, 0) == OK)
			log_mail(LOG_LEVEL_INFO, "a mail was broken off", &mail->id, mail->tries,
				"");
		mail_release(mail);
	}
	arena_free(resets->arena);
	free(resets);
}
