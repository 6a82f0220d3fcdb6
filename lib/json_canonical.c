/*
 * A canonical form of JSON values, to be hashed: equal values give equal bytes, different ones
 *different bytes. Every part says its own length or end, so no two values can run into the same
 *bytes: n t f					null, true, false d[-]<digits>e<exponent>;
 *a number, exactly: no zero at either end of the digits; zero is d0;
 *	s<bytes>:<UTF-8>			a string, unescaped
 *	[<value>…]  {<string><value>…}		members in the order of their keys' bytes
 */
#include "lib/json_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

/* Digits of an exponent that int64 holds with room for what is added to it. */
enum {
	EXPONENT_INT_DIGITS = 18
};

struct pair {
	struct str key; /* quotes included, as the value's own spelling is whole */
	struct str value;
};

static void value_add(struct arena *arena, struct str value, struct buf *out);

/* --- numbers ---------------------------------------------------------------------------------- */

/* Cuts the digits off the front of *rest. */
static struct str digits_cut(struct str *rest)
{
	size_t len = 0;
	while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
		len++;
	struct str digits = { rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return digits;
}

static bool byte_cut(struct str *rest, char byte)
{
	if (rest->len == 0 || *rest->ptr != byte)
		return false;
	rest->ptr++;
	rest->len--;
	return true;
}

static struct str zeros_skip(struct str digits)
{
	while (byte_cut(&digits, '0'))
		;
	return digits;
}

/* Appends exponent + more, where the exponent is of any length and more is far smaller. */
static void exponent_add_long(
	struct arena *arena, bool negative, struct str digits, int64_t more, struct buf *out)
{
	char *sum = arena_alloc(arena, digits.len + 1);
	int64_t carry = negative ? -more : more;
	for (size_t i = digits.len; i > 0; i--) {
		int64_t place = digits.ptr[i - 1] - '0' + carry;
		int64_t digit = (place % 10 + 10) % 10;
		sum[i] = (char)('0' + digit);
		carry = (place - digit) / 10;
	}
	sum[0] = (char)('0' +
			carry); /* the exponent outweighs more: no borrow is left, at most a 1 */
	struct str text = zeros_skip((struct str){ sum, digits.len + 1 });
	if (negative)
		buf_add_char(out, '-');
	buf_add(out, text.ptr, text.len);
}

static void exponent_add(struct arena *arena, struct str exponent, int64_t more, struct buf *out)
{
	bool negative = byte_cut(&exponent, '-');
	byte_cut(&exponent, '+');
	struct str digits = zeros_skip(exponent);
	if (digits.len > EXPONENT_INT_DIGITS) {
		exponent_add_long(arena, negative, digits, more, out);
		return;
	}
	int64_t number = 0;
	for (size_t i = 0; i < digits.len; i++)
		number = number * 10 + (digits.ptr[i] - '0');
	buf_printf(out, "%" PRId64, (negative ? -number : number) + more);
}

static void number_add(struct arena *arena, struct str number, struct buf *out)
{
	struct str fraction = { number.ptr, 0 };
	bool negative = byte_cut(&number, '-');
	struct str integer = zeros_skip(digits_cut(&number));
	if (byte_cut(&number, '.'))
		fraction = digits_cut(&number);
	if (!byte_cut(&number, 'e'))
		byte_cut(&number, 'E');
	struct str exponent = number;

	int64_t more = -(int64_t)fraction.len;
	struct str shown = integer.len > 0 ? fraction : zeros_skip(fraction);
	while (shown.len > 0 && shown.ptr[shown.len - 1] == '0') {
		shown.len--;
		more++;
	}
	while (shown.len == 0 && integer.len > 0 && integer.ptr[integer.len - 1] == '0') {
		integer.len--;
		more++;
	}
	buf_add_char(out, 'd');
	if (integer.len + shown.len == 0) {
		buf_add_string(out, "0;");
		return;
	}
	if (negative)
		buf_add_char(out, '-');
	buf_add(out, integer.ptr, integer.len);
	buf_add(out, shown.ptr, shown.len);
	buf_add_char(out, 'e');
	exponent_add(arena, exponent, more, out);
	buf_add_char(out, ';');
}

/* --- strings ---------------------------------------------------------------------------------- */

static void string_add(struct str string, struct buf *out)
{
	struct str inside = json_inside(string);
	if (inside.len == 0 || memchr(inside.ptr, '\\', inside.len) == NULL) {
		buf_printf(out, "s%zu:", inside.len);
		buf_add(out, inside.ptr, inside.len);
		return;
	}
	char bytes[4];
	size_t len = 0;
	for (struct str rest = inside; rest.len > 0;)
		len += json_char_put(json_char(&rest), bytes);
	buf_printf(out, "s%zu:", len);
	buf_reserve(out, len);
	while (inside.len > 0)
		buf_add(out, bytes, json_char_put(json_char(&inside), bytes));
}

/* --- objects and arrays ----------------------------------------------------------------------- */

static int pair_order(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;
	return json_compare(json_inside(left->key), json_inside(right->key));
}

static size_t values_count(struct str rest)
{
	struct str value;
	size_t count = 0;
	while (json_walk(&rest, &value))
		count++;
	return count;
}

static void object_add(struct arena *arena, struct str object, struct buf *out)
{
	struct str rest = json_inside(object);
	size_t npairs = values_count(rest) / 2;
	struct pair *pairs = arena_calloc(arena, npairs + 1, sizeof(*pairs));
	for (size_t i = 0; i < npairs; i++) {
		json_walk(&rest, &pairs[i].key);
		json_walk(&rest, &pairs[i].value);
	}
	qsort(pairs, npairs, sizeof(*pairs), pair_order);
	buf_add_char(out, '{');
	for (size_t i = 0; i < npairs; i++) {
		string_add(pairs[i].key, out);
		value_add(arena, pairs[i].value, out);
	}
	buf_add_char(out, '}');
}

static void array_add(struct arena *arena, struct str array, struct buf *out)
{
	struct str rest = json_inside(array), value;
	buf_add_char(out, '[');
	while (json_walk(&rest, &value))
		value_add(arena, value, out);
	buf_add_char(out, ']');
}

static void value_add(struct arena *arena, struct str value, struct buf *out)
{
	switch (*value.ptr) {
	case '{':
		object_add(arena, value, out);
		break;
	case '[':
		array_add(arena, value, out);
		break;
	case '"':
		string_add(value, out);
		break;
	case 't':
	case 'f':
	case 'n':
		buf_add_char(out, *value.ptr);
		break;
	default:
		number_add(arena, value, out);
	}
}

void json_canonical(struct arena *arena, struct str json, struct buf *out)
{
	struct str value;
	if (json_walk(&json, &value))
		value_add(arena, value, out);
}
