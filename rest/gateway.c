/* FastCGI and plain CGI (gateway.h). Called by main.c. */
#include "rest/gateway.h"

#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t environment_bytes(char *const *environment)
{
	size_t bytes = 0;

	for (; *environment; environment++)
		bytes += strlen(*environment) + 1;
	return bytes;
}

/* ---- FastCGI ----------------------------------------------------------------------------------
 */

static const char *fcgi_param(void *context, const char *name)
{
	struct FCGX_Request *request = context;

	return FCGX_GetParam(name, request->envp);
}

static size_t fcgi_params_bytes(void *context)
{
	struct FCGX_Request *request = context;

	return environment_bytes(request->envp);
}

static size_t fcgi_read(void *context, char *bytes, size_t size)
{
	struct FCGX_Request *request = context;
	int n = FCGX_GetStr(bytes, (int)size, request->in);

	return n > 0 ? (size_t)n : 0;
}

static void fcgi_write(void *context, const char *bytes, size_t size)
{
	struct FCGX_Request *request = context;

	/* a client that went away is no fault of ours, and its request is done */
	FCGX_PutStr(bytes, (int)size, request->out);
}

void gateway_fcgi(struct gateway *gateway, struct FCGX_Request *request)
{
	*gateway =
		(struct gateway){ request, fcgi_param, fcgi_params_bytes, fcgi_read, fcgi_write };
}

/* ---- plain CGI --------------------------------------------------------------------------------
 */

static const char *cgi_param(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

static size_t cgi_params_bytes(void *context)
{
	(void)context;
	return environment_bytes(environ);
}

static size_t cgi_read(void *context, char *bytes, size_t size)
{
	(void)context;
	return fread(bytes, 1, size, stdin);
}

static void cgi_write(void *context, const char *bytes, size_t size)
{
	(void)context;
	/* main() looks at the stream's state at the end */
	if (fwrite(bytes, 1, size, stdout) != size)
		return;
}

void gateway_cgi(struct gateway *gateway)
{
	*gateway = (struct gateway){ NULL, cgi_param, cgi_params_bytes, cgi_read, cgi_write };
}
