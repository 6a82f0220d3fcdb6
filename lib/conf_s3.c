/* Settings of a bucket, see the header. */
#include "lib/conf_s3.h"

#include <string.h>

#include "lib/text.h"
#include "lib/url.h"

/* A scheme and a host, perhaps with a port, and perhaps a slash behind it. */
static bool endpoint_ok(struct str endpoint)
{
	struct str authority = url_authority(endpoint);
	const char *rest = authority.ptr + authority.len;
	return url_is_safe(endpoint) && (*rest == '\0' || strcmp(rest, "/") == 0);
}

/* Of nothing but these, and of one of them at least. */
static bool is_made_of(const char *text, const char *bytes)
{
	return text[0] != '\0' && text[strspn(text, bytes)] == '\0';
}

bool conf_s3_ok(const struct conf *conf)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	bool ok = true;
	if (conf->attachments_s3_endpoint[0] == '\0')
		return true;
	if (!endpoint_ok(str_of(conf->attachments_s3_endpoint)))
		ok = conf_fault("attachments_s3_endpoint",
			"it is not https://host:port, or http://host:port of this machine");
	if (!is_made_of(conf->attachments_s3_bucket, lower))
		ok = conf_fault("attachments_s3_bucket", "it is no name of a bucket");
	if (!is_made_of(conf->attachments_s3_region, lower))
		ok = conf_fault("attachments_s3_region", "it is no name of a region");
	if (conf->attachments_s3_access_key[0] == '\0' ||
		strpbrk(conf->attachments_s3_access_key, "/ "))
		ok = conf_fault("attachments_s3_access_key", "it is no id of a key");
	if (conf->attachments_s3_secret_key[0] == '\0')
		ok = conf_fault("attachments_s3_secret_key", "there is none");
	return ok;
}
