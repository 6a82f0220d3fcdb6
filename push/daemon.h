/* What the daemons of push/ have in common: how they take signals. Called by main.c and notify/main.c. */
#ifndef PUSH_DAEMON_H
#define PUSH_DAEMON_H

/* A descriptor from which SIGTERM, SIGINT and SIGHUP are read (signalfd), without waiting; SIGPIPE is ignored. Ends the
 * process where the system refuses. */
int daemon_signals_open(void);

/* SIGHUP: reads the settings at conf_path once more, for the log level alone. Bad ones are logged, and change nothing. */
void daemon_level_reload(const char *program, const char *conf_path);

#endif
