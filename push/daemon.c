/* Signals of the daemons (daemon.h). */
#include "push/daemon.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "lib/conf.h"
#include "lib/log.h"

int daemon_signals_open(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal("signals cannot be set up", LOG_STR("error", log_errno()));
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fatal("signals cannot be set up", LOG_STR("error", log_errno()));
	return fd;
}

void daemon_level_reload(const char *program, const char *conf_path)
{
	struct conf conf;
	if (conf_load(conf_path, &conf) != OK)
		return; /* it has said why */
	log_open(program, (enum log_level)conf.log_level);
	log_info("configuration read again");
	conf_free(&conf);
}
