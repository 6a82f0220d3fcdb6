/* The two ways in that a web server has: FastCGI and plain CGI, behind struct gateway (request.h).
 */
#ifndef REST_GATEWAY_H
#define REST_GATEWAY_H

#include "rest/request.h"

struct FCGX_Request;

/* An accepted FastCGI request; borrowed until it is finished. */
void gateway_fcgi(struct gateway *gateway, struct FCGX_Request *request);

/* The process's environment, standard input and output. */
void gateway_cgi(struct gateway *gateway);

#endif
