/* Settings of identity providers, see the header. */
#include "lib/conf_identity.h"

#include <string.h>

#include "lib/identity.h"
#include "lib/idp.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/url.h"
#include "lib/webhook.h"

static size_t words(const char *list)
{
	struct str rest = str_of(list), word;
	size_t count = 0;
	while (text_word(&rest, &word))
		count++;
	return count;
}

/* Each of at most max bytes, and with unique none twice. */
static bool names_ok(const char *key, const char *list, size_t max, bool unique)
{
	struct str rest = str_of(list), word, before, other;
	while (text_word(&rest, &word)) {
		if (word.len > max || !text_is_utf8(word))
			return conf_fault(key, "a name that is too long, or no UTF-8");
		before = (struct str){ list, (size_t)(word.ptr - list) };
		while (unique && text_word(&before, &other)) {
			if (str_equal(word, other))
				return conf_fault(key, "a name stands twice");
		}
	}
	return true;
}

static bool urls_ok(const struct conf *conf)
{
	struct str rest = str_of(conf->idp_jwks_url), url;
	while (text_word(&rest, &url)) {
		if (!url_is_safe(url))
			return conf_fault("idp_jwks_url",
				"each must be an https URL, or an http URL of "
				"this machine's loopback");
	}
	return true;
}

static bool counts_ok(const struct conf *conf)
{
	size_t issuers = words(conf->idp_issuer);
	if (words(conf->idp_audience) != issuers || words(conf->idp_jwks_url) != issuers)
		return conf_fault("idp_issuer",
			"idp_issuer, idp_audience and idp_jwks_url must have as many words each");
	if (issuers > IDP_ISSUERS_MAX)
		return conf_fault("idp_issuer", "there are more than 16");
	return true;
}

static bool has_word(const char *list, struct str name)
{
	struct str rest = str_of(list), word;
	while (text_word(&rest, &word)) {
		if (str_equal(word, name))
			return true;
	}
	return false;
}

static bool webhook_ok(const struct conf *conf)
{
	struct str name = str_of(conf->identity_webhook_issuer), first;
	bool ok = true;
	if (words(conf->identity_webhook_secret) > 0 &&
		!webhook_secrets_ok(str_of(conf->identity_webhook_secret)))
		ok = conf_fault("identity_webhook_secret",
			"each of at most 8 must be 16 to 128 bytes "
			"in base64, with or without whsec_");
	if (words(conf->identity_webhook_issuer) > 1)
		ok = conf_fault("identity_webhook_issuer", "it is one name");
	else if (words(conf->idp_issuer) > 0 && text_word(&name, &first) &&
		 !has_word(conf->idp_issuer, first))
		ok = conf_fault(
			"identity_webhook_issuer", "it is none of idp_issuer, letter by letter");
	return names_ok("identity_webhook_issuer", conf->identity_webhook_issuer,
		       IDENTITY_ISSUER_MAX, false) &&
	       ok;
}

bool conf_identity_ok(const struct conf *conf)
{
	bool counts = counts_ok(conf);
	bool issuers = names_ok("idp_issuer", conf->idp_issuer, IDENTITY_ISSUER_MAX, true);
	bool audiences =
		names_ok("idp_audience", conf->idp_audience, IDP_AUDIENCE_BYTES_MAX, false);
	bool urls = urls_ok(conf);
	bool webhook = webhook_ok(conf);
	return counts && issuers && audiences && urls && webhook;
}

struct str conf_webhook_issuer(const struct conf *conf)
{
	struct str name = str_of(conf->identity_webhook_issuer), first;
	if (text_word(&name, &first))
		return first;
	name = str_of(conf->idp_issuer);
	return text_word(&name, &first) ? first : STR("webhook");
}
