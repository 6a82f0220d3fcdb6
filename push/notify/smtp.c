/* Mail by SMTP (smtp.h). Called by reset.c and main.c. */
#include "push/notify/smtp.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/url.h"

enum {
	PASSWORD_MAX = 1024,
};

/* The first line of the file. False, logged: it cannot be read. Read for each mail, so that a new one counts at once. */
static bool password_read(const char *path, char out[PASSWORD_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len = fd < 0 ? -1 : read(fd, out, PASSWORD_MAX - 1);
	if (len < 0)
		log_error_errno("the password for mail cannot be read", LOG_STR("path", path));
	if (fd >= 0)
		close(fd);
	if (len < 0)
		return false;
	out[len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static size_t message_give(char *bytes, size_t size, size_t count, void *ctx)
{
	struct smtp *smtp = ctx;
	size_t len = smtp->message.len - smtp->given;
	if (len > size * count)
		len = size * count;
	memcpy(bytes, smtp->message.data + smtp->given, len);
	smtp->given += len;
	return len;
}

/* The refusals that are about this mail, not about us or the state of the server. */
static bool is_final(long code)
{
	return code >= 550 && code <= 556;
}

static void smtp_done(
	struct transfer *transfer, const struct transfer_result *result, struct str body)
{
	struct smtp *smtp = (struct smtp *)transfer;
	(void)body;
	if (result->code == CURLE_OK)
		smtp->done(smtp, SMTP_SENT, "");
	else
		smtp->done(
			smtp, is_final(result->answer) ? SMTP_REFUSED : SMTP_LATER, result->reason);
}

static long use_ssl(const struct conf *conf)
{
	bool skipped = conf->smtp_starttls == SMTP_STARTTLS_NEVER ||
		       (conf->smtp_starttls == SMTP_STARTTLS_AUTO &&
			       url_is_loopback(str_of(conf->smtp_url)));
	return skipped ? CURLUSESSL_NONE : CURLUSESSL_ALL;
}

static CURLcode set_login(CURL *easy, const struct conf *conf, bool *readable)
{
	char password[PASSWORD_MAX] = "";
	*readable = password_read(conf->smtp_password_file, password);
	CURLcode code = curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
	explicit_bzero(password, sizeof(password));
	return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_USERNAME, conf->smtp_user) : code;
}

static bool smtp_prepare(struct transfer *transfer, CURL *easy)
{
	struct smtp *smtp = (struct smtp *)transfer;
	struct curl_slist *to = curl_slist_append(NULL, smtp->to); /* the process ends with it */
	bool readable = true;
	CURLcode code = to ? curl_easy_setopt(easy, CURLOPT_USE_SSL, use_ssl(smtp->conf))
			   : CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_MAIL_FROM, smtp->from);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, message_give);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_READDATA, smtp);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	if (code == CURLE_OK && smtp->conf->smtp_user[0] != '\0')
		code = set_login(easy, smtp->conf, &readable);
	if (code != CURLE_OK)
		log_error("a mail cannot be set up", LOG_STR("error", curl_easy_strerror(code)));
	return code == CURLE_OK && readable;
}

bool smtp_send(struct smtp *smtp, struct transfers *transfers, const struct conf *conf,
	struct str from, struct str to)
{
	smtp->transfer = (struct transfer){
		.url = conf->smtp_url,
		.protocols = "smtp,smtps",
		.limit_ms = SMTP_LIMIT_MS,
		.prepare = smtp_prepare,
		.done = smtp_done,
	};
	smtp->conf = conf;
	smtp->given = 0;
	snprintf(smtp->from, sizeof(smtp->from), "<%.*s>", (int)from.len, from.ptr);
	snprintf(smtp->to, sizeof(smtp->to), "<%.*s>", (int)to.len, to.ptr);
	return transfer_start(transfers, &smtp->transfer);
}

void smtp_free(struct smtp *smtp, struct transfers *transfers)
{
	transfer_break(transfers, &smtp->transfer);
	if (smtp->message.data)
		explicit_bzero(smtp->message.data, smtp->message.cap);
	buf_free(&smtp->message);
}
