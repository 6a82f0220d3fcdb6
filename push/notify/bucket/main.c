/*
 * parley-bucket: carries content into a bucket for parley-rest, which so needs neither libcurl nor its memory, and looks whether it is
 * there for parley doctor. A request is a line of standard input, and is answered by one of standard output:
 *
 *	PUT <descriptor> <URL>	the file of an inherited descriptor
 *	GET - <URL>
 *	200
 *	404 NoSuchBucket
 *	0 Failed to connect to …
 *
 * It ends with its input; with 1, and without looking at the next, when an answer is not 2xx. The URLs are signed: who has one needs
 * nothing else, so they are no arguments, which others can see.
 *
 * usage: parley-bucket LIMIT_MS [CA]	of a request, and the PEM file of authorities; or --version
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/log.h"
#include "lib/text.h"
#include "lib/version.h"
#include "push/notify/bucket.h"

enum {
	LINE_BYTES = 8192,
	LIMIT_MS_MAX = 3600000,
};

/* Cuts a line into its three words. False: it is none of ours. */
static bool request_read(char *line, struct bucket_request *out)
{
	char *rest = line;
	const char *method = strsep(&rest, " "), *file = strsep(&rest, " "),
		   *url = strsep(&rest, " \n");
	long long fd = -1;
	if (!file || !url)
		return false;
	bool put = strcmp(method, "PUT") == 0;
	if (put ? !text_parse_int(str_of(file), 3, 1 << 20, &fd)
		: strcmp(method, "GET") != 0 || strcmp(file, "-") != 0)
		return false;
	out->method = method;
	out->url = url;
	out->fd = (int)fd;
	return true;
}

static int requests_run(const char *ca, int limit_ms)
{
	char line[LINE_BYTES];
	struct bucket_request request = { .limit_ms = limit_ms };
	struct bucket_answer answer;
	CURL *easy = curl_easy_init();
	if (!easy)
		fatal("out of memory");
	while (fgets(line, sizeof(line), stdin)) {
		if (!request_read(line, &request))
			fatal("a line that is no request");
		enum err err = bucket_perform(easy, ca, &request, &answer);
		printf("%ld%s%s\n", answer.status, answer.reason[0] != '\0' ? " " : "",
			answer.reason);
		fflush(stdout);
		if (err != OK)
			return 1;
	}
	curl_easy_cleanup(easy);
	return 0;
}

int main(int argc, char **argv)
{
	long long limit_ms;
	log_open("parley-bucket", LOG_LEVEL_INFO);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("parley-bucket " PARLEY_VERSION "\n") > 0 ? 0 : 1;
	if (argc < 2 || argc > 3 || !text_parse_int(str_of(argv[1]), 1, LIMIT_MS_MAX, &limit_ms)) {
		fputs("usage: parley-bucket LIMIT_MS [CA] | --version\n", stderr);
		return 2;
	}
	/* whoever waits for it may be gone */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fatal("libcurl does not start");
	return requests_run(argc == 3 ? argv[2] : "", (int)limit_ms);
}
