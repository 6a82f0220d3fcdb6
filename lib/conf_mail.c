/* Settings of mail, see the header. */
#include "lib/conf_mail.h"

#include <string.h>

#include "lib/mail_address.h"
#include "lib/text.h"

/* A host, perhaps with a port, and nothing that would be looked for elsewhere: no user, no path. */
static bool url_ok(const char *url)
{
	static const char *const schemes[] = { "smtp://", "smtps://" };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(url, schemes[i], len) == 0)
			return url[len] != '\0' && !strpbrk(url + len, "/?#@\\ \t\"<>");
	}
	return false;
}

bool conf_mail_ok(const struct conf *conf)
{
	struct mail_sender sender;
	bool ok = true;
	if (conf->smtp_url[0] == '\0')
		return true;
	if (!url_ok(conf->smtp_url))
		ok = conf_fault("smtp_url", "it is not smtp://host:port or smtps://host:port");
	if (mail_sender_read(str_of(conf->mail_from), &sender) != OK)
		ok = conf_fault("mail_from", "it is no address, nor Name <address>");
	if (conf->smtp_user[0] != '\0' && conf->smtp_password_file[0] == '\0')
		ok = conf_fault("smtp_user", "it needs smtp_password_file");
	if (!strstr(conf->reset_url, "{token}"))
		ok = conf_fault("reset_url", "it has no {token}, and a mail would be of no use");
	return ok;
}
