/* Addresses, networks, and who asks behind proxies. */
#include "lib/address.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *text, *written; /* NULL: it is none */
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::FFFF:C000:201", "192.0.2.1" },
	{ "2001:DB8:0:0::1", "2001:db8::1" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "::192.0.2.1", "::192.0.2.1" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.01", NULL },
	{ "0xc0.0.2.1", NULL },
	{ "3221225985", NULL },
	{ " 192.0.2.1", NULL },
	{ "192.0.2.1 ", NULL },
	{ "192.0.2.1:80", NULL },
	{ "[::1]", NULL },
	{ "::1%lo", NULL },
	{ "::1::", NULL },
	{ "2001:db8", NULL },
	{ "unknown", NULL },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", NULL },
};

static void an_address_has_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct address address = { { 7 } };
		char text[ADDRESS_TEXT_BYTES] = "";
		enum err err = address_parse(str_of(addresses[i].text), &address);

		if (err == OK)
			address_format(&address, text);
		else
			assert_int_equal(address.bytes[0], 7);
		if ((err == OK) != (addresses[i].written != NULL) ||
			(err == OK && strcmp(text, addresses[i].written) != 0))
			fail_msg("row %zu: %s: %d %s", i, addresses[i].text, err, text);
	}
	/* text is not ended by a NUL, and may have one in it */
	struct address address;
	assert_int_equal(address_parse((struct str){ "192.0.2.1:80", 9 }, &address), OK);
	assert_int_equal(address_parse(STR("192.0.2.1\0x"), &address), ERR_INVALID_INPUT);
	assert_int_equal(address_parse((struct str){ NULL, 0 }, &address), ERR_INVALID_INPUT);
}

static const struct {
	const char *list, *bad; /* NULL: a good list */
} lists[] = {
	{ "", NULL },
	{ "  ", NULL },
	{ "192.0.2.1", NULL },
	{ " 10.0.0.0/8\t2001:db8::/32  ::1 unix: ", NULL },
	{ "0.0.0.0/0 ::/0 192.0.2.1/32 ::1/128", NULL },
	{ "::ffff:10.0.0.0/104", NULL },
	{ "10.0.0.0/33", "10.0.0.0/33" },
	{ "::/129", "::/129" },
	{ "10.0.0.0/", "10.0.0.0/" },
	{ "10.0.0.0/-1", "10.0.0.0/-1" },
	{ "10.0.0.0/08", "10.0.0.0/08" },
	{ "10.0.0.0/8/8", "10.0.0.0/8/8" },
	{ "/8", "/8" },
	{ "10.0.0.1/8", "10.0.0.1/8" },
	{ "2001:db8::1/64", "2001:db8::1/64" },
	{ "10.0.0.128/24", "10.0.0.128/24" },
	{ "10.0.0.0/255.0.0.0", "10.0.0.0/255.0.0.0" },
	{ "10.0.0.1, 10.0.0.2", "10.0.0.1," },
	{ "10.0.0.1 proxy.example 10.0.0.2", "proxy.example" },
	{ "*", "*" },
	{ "unix", "unix" },
	{ "[::1]", "[::1]" },
};

static void a_list_is_good_or_says_what_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct networks networks;
		struct str bad = { NULL, 0 };
		enum err err = networks_parse(str_of(lists[i].list), &networks, &bad);

		if ((err == OK) != (lists[i].bad == NULL) ||
			(err != OK && !str_equal(bad, str_of(lists[i].bad))))
			fail_msg("row %zu: %s: %d %.*s", i, lists[i].list, err, (int)bad.len,
				bad.ptr ? bad.ptr : "");
	}
}

static void a_list_has_an_end(void **state)
{
	(void)state;
	char text[(NETWORKS_MAX + 1) * 8 + 1] = "";
	struct networks networks;
	struct str bad;
	for (int i = 0; i <= NETWORKS_MAX; i++)
		memcpy(text + 8 * i, "9.9.9.9 ", 8);
	assert_int_equal(
		networks_parse((struct str){ text, 8 * NETWORKS_MAX }, &networks, &bad), OK);
	assert_int_equal(networks.count, NETWORKS_MAX);
	assert_int_equal(
		networks_parse((struct str){ text, 8 * (NETWORKS_MAX + 1) }, &networks, &bad),
		ERR_INVALID_INPUT);
}

static const struct {
	const char *list, *address;
	bool in;
} memberships[] = {
	{ "", "192.0.2.1", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "10.0.0.0/8", "10.255.255.255", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "10.0.0.0/9", "10.127.0.1", true },
	{ "10.0.0.0/9", "10.128.0.1", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.252/30", "192.0.2.255", true },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "::1", "::1", true },
	{ "::1", "::2", false },
	{ "192.0.2.1 2001:db8::/64 10.0.0.0/8", "10.9.9.9", true },
};

static void a_network_has_its_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(memberships) / sizeof(memberships[0]); i++) {
		struct networks networks;
		struct address address;
		struct str bad;

		assert_int_equal(networks_parse(str_of(memberships[i].list), &networks, &bad), OK);
		assert_int_equal(address_parse(str_of(memberships[i].address), &address), OK);
		if (networks_have(&networks, &address) != memberships[i].in)
			fail_msg("row %zu: %s in %s", i, memberships[i].address,
				memberships[i].list);
	}
}

#define TRUSTED "10.0.0.0/8 2001:db8:1::/48"

static const struct {
	const char *trusted, *peer, *forwarded, *client; /* NULL: the peer is not trusted */
} chains[] = {
	/* nobody is believed by default, nor a stranger at any time */
	{ "", "10.0.0.1", "192.0.2.1", NULL },
	{ TRUSTED, "192.0.2.9", "192.0.2.1", NULL },
	{ TRUSTED, "192.0.2.9", "10.0.0.1", NULL },
	{ TRUSTED, "192.0.2.9", NULL, NULL },
	{ TRUSTED, "", "192.0.2.1", NULL },
	{ TRUSTED, NULL, "192.0.2.1", NULL },
	{ TRUSTED, "unix:", "192.0.2.1", NULL },
	{ TRUSTED, "10.0.0.1:80", "192.0.2.1", NULL },
	{ TRUSTED, "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1" },
	/* the first from the right that is not trusted, whatever stands before it */
	{ TRUSTED, "10.0.0.1", "192.0.2.1", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1,10.0.0.2", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "203.0.113.5, 192.0.2.1", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "10.9.9.9, 192.0.2.1, 10.0.0.2", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "nonsense, 192.0.2.1", "192.0.2.1" },
	{ TRUSTED, "2001:db8:1::9", "2001:db8:2::1, 2001:db8:1::7", "2001:db8:2::1" },
	{ TRUSTED, "10.0.0.1", "2001:DB8:2::1", "2001:db8:2::1" },
	/* all of them are trusted: the outermost */
	{ TRUSTED, "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
	{ TRUSTED, "10.0.0.1", NULL, "10.0.0.1" },
	/* what cannot be read ends it at the last good one */
	{ TRUSTED, "10.0.0.1", "", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "unknown", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1, unknown, 10.0.0.2", "10.0.0.2" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1,,10.0.0.2", "10.0.0.2" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1,", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", ",192.0.2.1", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "for=192.0.2.1", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1 192.0.2.2", "10.0.0.1" },
	/* ports, brackets and IPv4 in IPv6 */
	{ TRUSTED, "10.0.0.1", "192.0.2.1:4711", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "[2001:db8:2::1]:443", "2001:db8:2::1" },
	{ TRUSTED, "10.0.0.1", "[2001:db8:2::1]", "2001:db8:2::1" },
	{ TRUSTED, "10.0.0.1", "\t [::ffff:192.0.2.1]:1 ", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "::ffff:192.0.2.1:80", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1:", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1:65536", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "192.0.2.1:8o", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "[2001:db8:2::1", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "[2001:db8:2::1]443", "10.0.0.1" },
	{ TRUSTED, "10.0.0.1", "[]", "10.0.0.1" },
	/* a peer on a UNIX socket has no address */
	{ "unix:", "", "192.0.2.1", "192.0.2.1" },
	{ "unix:", "unix:", "192.0.2.1", "192.0.2.1" },
	{ "unix:", NULL, NULL, "unix:" },
	{ "unix:", "unix:", "unknown", "unix:" },
	{ "unix: 10.0.0.0/8", "unix:", "192.0.2.1, 10.0.0.2", "192.0.2.1" },
	{ "unix:", "10.0.0.1", "192.0.2.1", NULL },
	{ "unix:", "fe80::1%eth0", "192.0.2.1", NULL },
};

static void the_client_is_the_first_who_is_not_trusted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		struct networks trusted;
		struct str bad;
		char client[ADDRESS_TEXT_BYTES] = "untouched";
		bool told;

		assert_int_equal(networks_parse(str_of(chains[i].trusted), &trusted, &bad), OK);
		told = address_of_client(
			&trusted, str_of(chains[i].peer), str_of(chains[i].forwarded), client);
		if (told != (chains[i].client != NULL) ||
			strcmp(client, told ? chains[i].client : "untouched") != 0)
			fail_msg("row %zu: %s: %d %s", i,
				chains[i].forwarded ? chains[i].forwarded : "", told, client);
	}
}

static void the_walk_is_bounded(void **state)
{
	(void)state;
	struct networks trusted;
	struct str bad;
	char list[10 * (FORWARDED_HOPS_MAX + 1)] = "192.0.2.1 ", client[ADDRESS_TEXT_BYTES];
	/* each of ten bytes: the client, and as many proxies as are looked at */
	for (int i = 1; i <= FORWARDED_HOPS_MAX; i++)
		memcpy(list + 10 * i, ",10.0.0.10", 10);
	assert_int_equal(networks_parse(STR("10.0.0.0/8"), &trusted, &bad), OK);
	assert_true(address_of_client(
		&trusted, STR("10.0.0.1"), (struct str){ list, sizeof(list) }, client));
	assert_string_equal(client, "10.0.0.10");
	assert_true(address_of_client(
		&trusted, STR("10.0.0.1"), (struct str){ list, sizeof(list) - 10 }, client));
	assert_string_equal(client, "192.0.2.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_one_spelling),
		cmocka_unit_test(a_list_is_good_or_says_what_is_not),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(a_network_has_its_addresses),
		cmocka_unit_test(the_client_is_the_first_who_is_not_trusted),
		cmocka_unit_test(the_walk_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
