/* Addresses of mail, see the header. */
#include "lib/mail_address.h"

#include <ctype.h>
#include <string.h>

enum {
	ADDRESS_MAX = 254,
	LOCAL_MAX = 64,
};

/* What an atom may have beside letters and digits, RFC 5322; beyond ASCII everything, RFC 6532. */
static bool is_atext(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_domain_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '-';
}

/* Words of such characters with one dot between each. */
static bool is_dotted(struct str text, bool (*is_char)(char c))
{
	bool dot = true; /* none may stand here */
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.' ? dot : !is_char(text.ptr[i]))
			return false;
		dot = text.ptr[i] == '.';
	}
	return !dot;
}

bool mail_address_ok(struct str address)
{
	const char *at = address.len > 0 ? memchr(address.ptr, '@', address.len) : NULL;
	if (!at || address.len > ADDRESS_MAX || !text_is_utf8(address) || text_has_control(address))
		return false;
	struct str local = { address.ptr, (size_t)(at - address.ptr) };
	struct str domain = { at + 1, address.len - local.len - 1 };
	return local.len <= LOCAL_MAX && is_dotted(local, is_atext) &&
	       is_dotted(domain, is_domain_char);
}

enum err mail_sender_read(struct str text, struct mail_sender *out)
{
	struct mail_sender sender = { { "", 0 }, str_trim(text) };
	const char *open = text.len > 0 ? memchr(text.ptr, '<', text.len) : NULL;
	if (open) {
		size_t before = (size_t)(open - text.ptr);
		struct str rest = str_trim((struct str){ open + 1, text.len - before - 1 });
		if (rest.len == 0 || rest.ptr[rest.len - 1] != '>')
			return ERR_INVALID_INPUT;
		sender.name = str_trim((struct str){ text.ptr, before });
		sender.address = (struct str){ rest.ptr, rest.len - 1 };
	}
	if (!text_is_utf8(sender.name) || text_has_control(sender.name) ||
		!mail_address_ok(sender.address))
		return ERR_INVALID_INPUT;
	*out = sender;
	return OK;
}
