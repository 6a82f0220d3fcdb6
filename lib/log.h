/*
 * The log: one event, one line of JSON, to standard error (rule 40).
 * {"time":"…","level":"warn","program":"parley-rest","pid":12,"request_id":"…","message":"…", fields}
 * Never a body, a token or a message's text (rule 41).
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR
};

/* program: borrowed for ever. Lines below level are dropped. */
void log_open(const char *program, enum log_level level);

/* Puts every line elsewhere, for the broker, whose log is not ours. line has no newline; NULL: stderr. */
void log_sink(void (*sink)(enum log_level level, const char *line));

/* "request_id" of every line that follows; NULL: none. Copied. */
void log_set_request_id(const char *request_id);

/* One field of a line. Use the macros. */
struct log_field {
	const char *key;
	const char *string; /* or, when NULL: */
	int64_t number;
};
#define LOG_STR(key, value) ((struct log_field){ (key), (value), 0 })
#define LOG_INT(key, value) ((struct log_field){ (key), NULL, (int64_t)(value) })

void log_write(
	enum log_level level, const char *message, int nfields, const struct log_field *fields);

#define LOG_FIELDS(...)                                                                            \
	(struct log_field[])                                                                       \
	{                                                                                          \
		{ NULL, NULL, 0 }, ##__VA_ARGS__                                                   \
	}
#define LOG_LINE(level, message, ...)                                                              \
	log_write((level), (message),                                                              \
		(int)(sizeof(LOG_FIELDS(__VA_ARGS__)) / sizeof(struct log_field)) - 1,             \
		LOG_FIELDS(__VA_ARGS__) + 1)

/* log_warn("database is away", LOG_STR("reason", text), LOG_INT("retry_ms", 250)); */
#define log_debug(message, ...) LOG_LINE(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...) LOG_LINE(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...) LOG_LINE(LOG_LEVEL_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_LINE(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)

/* The same with strerror(errno) as the field "error". */
#define log_warn_errno(message, ...) log_warn(message, LOG_STR("error", log_errno()), ##__VA_ARGS__)
#define log_error_errno(message, ...)                                                              \
	log_error(message, LOG_STR("error", log_errno()), ##__VA_ARGS__)
const char *log_errno(void);

/* Logs an error and ends the process with status 1: for start-up and running out of memory. */
#define fatal(message, ...)                                                                        \
	do {                                                                                       \
		log_error(message, ##__VA_ARGS__);                                                 \
		log_exit();                                                                        \
	} while (0)
_Noreturn void log_exit(void);

#endif
