/* Runs the checks side by side and tells what they found (doctor.h). */
#include "ops/parley/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json_scan.h"
#include "lib/log.h"
#include "lib/time.h"
#include "ops/parley/table.h"

enum {
	/* A check waits for no longer; a group that has not ended by the second is ended. */
	CHECK_US = 3000000,
	GROUP_US = 4000000,
	LOG_LINE_BYTES = 1024,
	REASON_BYTES = 256,
	CELLS = 4, /* of a row, each with a NUL behind it */
};

static const struct group {
	const char *name; /* of the row that stands for one which does not end */
	void (*run)(struct doctor *doctor);
} groups[] = {
	{ "settings", doctor_settings },
	{ "keys", doctor_keys },
	{ "host", doctor_host },
	{ "database", doctor_database },
	{ "schema", doctor_schema },
	{ "broker", doctor_broker },
	{ "parley-push", doctor_push },
	{ "parley-rest", doctor_rest },
	{ "web server", doctor_front },
	{ "attachments", doctor_store },
};

enum {
	NGROUPS = sizeof(groups) / sizeof(groups[0])
};

static const char *const states[DOCTOR__MAX] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

/* What the process of one group has said so far. */
struct hearing {
	pid_t child;
	int in; /* -1: it has ended */
	struct buf text;
};

/* ---- in the process of a group ----------------------------------------------------------------
 */

/* The last line that was logged: libraries say there why something failed. */
static char last_line[LOG_LINE_BYTES];

static void line_keep(enum log_level level, const char *line)
{
	(void)level;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

/* Text between the quotes of JSON, for people. */
static void reason_copy(char out[REASON_BYTES], struct str raw)
{
	size_t len = 0;

	for (size_t i = 0; i < raw.len && len < REASON_BYTES - 1; i++) {
		if (raw.ptr[i] == '\\' && i + 1 < raw.len)
			i++;
		out[len++] = raw.ptr[i];
	}
	out[len] = '\0';
}

const char *doctor_reason(void)
{
	static const char *const keys[] = { "reason", "error", "message" };
	static char reason[REASON_BYTES];
	struct str raw;

	reason[0] = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_raw(str_of(last_line), keys[i], &raw) || raw.len < 2)
			continue;
		reason_copy(reason, (struct str){ raw.ptr + 1, raw.len - 2 });
		break;
	}
	return reason;
}

/* Cells are kept apart by a NUL, which no text has; other controls are not for terminals. */
static void cell_send(int out, const char *text)
{
	char clean[1024];
	size_t len = strnlen(text, sizeof(clean) - 1);

	for (size_t i = 0; i < len; i++)
		clean[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	clean[len] = '\0';
	/* a pipe that is full or closed: we are being ended */
	if (write(out, clean, len + 1) < 0)
		_exit(1);
}

void doctor_row(struct doctor *doctor, enum doctor_state state, const char *check,
	const char *advice, const char *format, ...)
{
	char found[512];
	va_list args;

	va_start(args, format);
	vsnprintf(found, sizeof(found), format, args);
	va_end(args);
	cell_send(doctor->out, states[state]);
	cell_send(doctor->out, check);
	cell_send(doctor->out, found);
	cell_send(doctor->out, advice ? advice : "");
}

_Noreturn static void group_run(struct operation *op, const struct group *group, int out)
{
	struct doctor doctor = { .op = op, .out = out, .deadline_us = time_mono_us() + CHECK_US };
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* what would be said there is in the rows */
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	log_sink(line_keep);
	group->run(&doctor);
	_exit(0);
}

/* ---- the groups, side by side -----------------------------------------------------------------
 */

static void hearing_begin(struct operation *op, const struct group *group, struct hearing *out)
{
	int ends[2];

	*out = (struct hearing){ .in = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	out->child = fork();
	if (out->child == 0) {
		close(ends[0]);
		group_run(op, group, ends[1]);
	}
	close(ends[1]);
	if (out->child > 0)
		out->in = ends[0];
	else
		close(ends[0]);
}

/* What has come; false: that was all. */
static bool hearing_read(struct hearing *hearing)
{
	ssize_t n;

	buf_reserve(&hearing->text, 4096);
	n = read(hearing->in, hearing->text.data + hearing->text.len, 4096);
	if (n > 0)
		hearing->text.len += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Until all have ended, or the deadline. */
static void hearings_await(struct hearing *all, int64_t deadline_us)
{
	struct pollfd fds[NGROUPS];
	int open_count;

	do {
		int64_t left_us = deadline_us - time_mono_us();

		open_count = 0;
		for (int i = 0; i < NGROUPS; i++) {
			fds[i] = (struct pollfd){ all[i].in, POLLIN, 0 };
			open_count += all[i].in >= 0;
		}
		if (open_count == 0 || left_us <= 0)
			return;
		if (poll(fds, NGROUPS, (int)(left_us / 1000) + 1) < 0)
			continue;
		for (int i = 0; i < NGROUPS; i++) {
			if (!fds[i].revents || hearing_read(&all[i]))
				continue;
			close(all[i].in);
			all[i].in = -1;
		}
	} while (open_count > 0);
}

/* Ends one that has not ended. True: it had, of itself. */
static bool hearing_end(struct hearing *hearing)
{
	int status = -1;

	if (hearing->in >= 0) {
		close(hearing->in);
		kill(hearing->child, SIGKILL);
	}
	while (hearing->child > 0 && waitpid(hearing->child, &status, 0) < 0 && errno == EINTR)
		;
	return hearing->in < 0 && hearing->child > 0 && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* ---- what was found ---------------------------------------------------------------------------
 */

struct finding {
	struct str cells[CELLS]; /* state, check, found, advice */
};

/* For people: a line each, and what to do on the next. */
static void finding_say(const struct finding *finding)
{
	const struct str *cells = finding->cells;

	printf("%-4.*s  %-22.*s  %.*s\n", (int)cells[0].len, cells[0].ptr, (int)cells[1].len,
		cells[1].ptr, (int)cells[2].len, cells[2].ptr);
	if (cells[3].len > 0)
		printf("      %-22s  -> %.*s\n", "", (int)cells[3].len, cells[3].ptr);
}

static void finding_add(
	struct table *table, int counts[DOCTOR__MAX], const struct finding *finding, bool json)
{
	for (int state = 0; state < DOCTOR__MAX; state++)
		counts[state] += str_equal(finding->cells[0], str_of(states[state]));
	table_text(table, finding->cells[1]);
	table_text(table, finding->cells[0]);
	table_text(table, finding->cells[2]);
	table_text(table, finding->cells[3].len > 0 ? finding->cells[3] : (struct str){ NULL, 0 });
	if (!json)
		finding_say(finding);
}

/* The next row of what a group has said; one that was cut off is none. */
static bool finding_take(struct str *text, struct finding *out)
{
	for (int i = 0; i < CELLS; i++) {
		const char *end = memchr(text->ptr, '\0', text->len);

		if (!end)
			return false;
		out->cells[i] = (struct str){ text->ptr, (size_t)(end - text->ptr) };
		text->len -= out->cells[i].len + 1;
		text->ptr = end + 1;
	}
	return true;
}

int doctor(struct operation *op)
{
	static const char *const names[] = { "check", "state", "found", "advice" };
	struct table *table = table_new(op, names, CELLS);
	struct hearing all[NGROUPS];
	int counts[DOCTOR__MAX] = { 0 }, status;
	bool json = op->options->json;

	fflush(stdout);
	for (int i = 0; i < NGROUPS; i++)
		hearing_begin(op, &groups[i], &all[i]);
	hearings_await(all, time_mono_us() + GROUP_US);
	for (int i = 0; i < NGROUPS; i++) {
		bool ended = hearing_end(&all[i]);
		struct str text = { all[i].text.data, all[i].text.len };
		struct finding finding;

		while (text.len > 0 && finding_take(&text, &finding))
			finding_add(table, counts, &finding, json);
		if (!ended)
			finding_add(table, counts,
				&(struct finding){ { STR("fail"), str_of(groups[i].name),
					STR("the checks did not end in time"),
					STR("something that they ask hangs: a name service, a "
					    "disk, a "
					    "database that takes connections and does not "
					    "answer") } },
				json);
	}
	status = json ? table_print(table) : EXIT_DONE;
	if (!json)
		printf("\n%d ok, %d to look at, %d failed\n", counts[DOCTOR_OK],
			counts[DOCTOR_WARN], counts[DOCTOR_FAIL]);
	for (int i = 0; i < NGROUPS; i++)
		buf_free(&all[i].text);
	return counts[DOCTOR_FAIL] > 0 ? EXIT_FAILED : status;
}
