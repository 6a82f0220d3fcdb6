/* URLs of a bucket's objects: where the bucket goes, and what is signed of the host. */
#include "lib/s3.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define AT_US 1369353600000000 /* 2013-05-24T00:00:00Z */

static const struct row {
	const char *endpoint;
	bool path_style;
	const char *begin; /* of the URL */
	const char *
		signature; /* as the bucket's own host has it, whichever way that is written; NULL: any */
} rows[] = {
	{ "https://s3.amazonaws.com", false,
		"https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-",
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404" },
	{ "https://s3.amazonaws.com:443/", false,
		"https://examplebucket.s3.amazonaws.com/test.txt?",
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404" },
	{ "https://s3.amazonaws.com:80", false,
		"https://examplebucket.s3.amazonaws.com:80/test.txt?", NULL },
	{ "https://s3.amazonaws.com", true, "https://s3.amazonaws.com/examplebucket/test.txt?",
		NULL },
	{ "http://127.0.0.1:9000", true, "http://127.0.0.1:9000/examplebucket/test.txt?", NULL },
	{ "http://127.0.0.1:80", true, "http://127.0.0.1/examplebucket/test.txt?", NULL },
	{ "http://[::1]:9000/", true, "http://[::1]:9000/examplebucket/test.txt?", NULL },
};

static struct conf conf_of(const struct row *row)
{
	static char endpoint[64], region[] = "us-east-1", bucket[] = "examplebucket",
				  id[] = "AKIAIOSFODNN7EXAMPLE",
				  secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
	snprintf(endpoint, sizeof(endpoint), "%s", row->endpoint);
	return (struct conf){
		.attachments_s3_endpoint = endpoint,
		.attachments_s3_region = region,
		.attachments_s3_bucket = bucket,
		.attachments_s3_access_key = id,
		.attachments_s3_secret_key = secret,
		.attachments_s3_path_style = row->path_style,
	};
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct conf conf = conf_of(row);
		struct buf out = { 0 };
		s3_url(&conf, "GET", "test.txt", NULL, 0, AT_US, 86400, &out);
		buf_add_char(&out, '\0');
		if (strncmp(out.data, row->begin, strlen(row->begin)) != 0 ||
			(row->signature && !strstr(out.data, row->signature)))
			fail_msg("row %zu: %s", i, out.data);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests_name("s3", tests, NULL, NULL);
}
