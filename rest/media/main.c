/*
 * parley-media: looks at one file that a stranger has uploaded: what it is, and of a picture how large, with a thumbnail. For a picture
 * it becomes parley-picture, which is the same with libvips. A process of its own for each file, which can do nothing but that (sandbox.h), so that a fault in one of the libraries that decode costs
 * an answer and nothing else. Started by rest/media.c:
 *
 *	0  the file			1  the answer: one line of JSON
 *	2  the log			3  an empty file for the thumbnail
 *
 * {"media_type":"image/png","picture":"good","width":640,"height":480,"thumbnail_bytes":1234}; picture is none, good, broken or huge.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/version.h"
#include "rest/media/picture.h"
#include "rest/media/sandbox.h"
#include "rest/media/sniff.h"

/* Of all processes it is the one to end when memory is short. */
#define OOM_FIRST "1000"

enum {
	FILE_FD = STDIN_FILENO,
	ANSWER_FD = STDOUT_FILENO,
	THUMBNAIL_FD = 3,
	NICENESS = 10 /* of decoding: messages go first */
};

static char head[SNIFF_BYTES];

/* The beginning of the file. */
static size_t head_read(void)
{
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(head) &&
		(n = pread(FILE_FD, head + got, sizeof(head) - got, (off_t)got)) > 0)
		got += (size_t)n;
	return got;
}

static void answer(const struct sniffed *sniffed, const struct picture *picture)
{
	static const char *const states[] = {
		[PICTURE_GOOD] = "good",
		[PICTURE_BROKEN] = "broken",
		[PICTURE_HUGE] = "huge",
	};
	struct stat thumbnail = { 0 };

	if (sniffed->is_picture && picture->state == PICTURE_GOOD)
		(void)fstat(THUMBNAIL_FD, &thumbnail);
	dprintf(ANSWER_FD,
		"{\"media_type\":\"%s\",\"picture\":\"%s\",\"width\":%d,\"height\":%d,"
		"\"thumbnail_bytes\":%lld}\n",
		sniffed->media_type, sniffed->is_picture ? states[picture->state] : "none",
		picture->width, picture->height, (long long)thumbnail.st_size);
}

/* What libraries write of their own accord goes nowhere; faults of the start have been logged. */
static void silence(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
}

/* Settings may be in it, the secret ones, too: who takes this process over could write them into a thumbnail. What the loader is told stays. */
static void environment_wipe(void)
{
	for (char **variable = environ; variable && *variable; variable++) {
		if (strncmp(*variable, "LD_", 3) != 0)
			explicit_bzero(*variable, strlen(*variable));
	}
}

/* Decoding takes seconds, and half a gigabyte, of whoever sends the picture for it. */
static void give_way(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (nice(NICENESS) < 0 || fd < 0 || write(fd, OOM_FIRST, strlen(OOM_FIRST)) < 0)
		log_warn_errno("cannot give way to others");
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	/* of what sniff() calls a picture, and nobody expected to be one */
	struct picture picture = { .state = PICTURE_BROKEN };
	struct sniffed sniffed;
	bool likely;
	size_t size;

	log_open(program_invocation_short_name, LOG_LEVEL_INFO);
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return printf("%s " PARLEY_VERSION "\n", program_invocation_short_name), 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	environment_wipe();
	size = head_read();
	likely = sniff_picture_likely(head, size);
	if (likely && !picture_open(argv[0], head, size))
		fatal("what decodes pictures does not start");
	if (likely)
		give_way();
	if (!sniff_open())
		fatal("libmagic does not start");
	silence();
	if (sandbox_enter() != OK)
		return 1;
	sniffed = sniff(head, size);
	if (sniffed.is_picture && likely)
		picture = picture_look(FILE_FD, THUMBNAIL_FD);
	answer(&sniffed, &picture);
	_exit(0); /* nothing of what libraries do at the end is needed */
}
