/* Settings of mail, which belong together. Called by conf.c at the start. */
#ifndef LIB_CONF_MAIL_H
#define LIB_CONF_MAIL_H

#include "lib/conf.h"

/* Are they good, each and together? Every fault is logged. Without smtp_url none is looked at. */
bool conf_mail_ok(const struct conf *conf);

#endif
