/*
 * The Paho C client as a client of Parley, driven by tests/push/paho.test.mjs: a program that is not ours in what matters.
 *
 *	paho 4|5 URL CLIENT_ID USER		MQTT 3.1.1 or 5; URL: tcp://HOST:PORT
 *
 * Standard input has commands, one a line; standard output says what becomes of each, and what happens by itself:
 *
 *	connect TOKEN			connected 0, or another code of the broker's; refused RC when there was none
 *	subscribe FILTER		subscribed CODE: of 3.1.1 0, or 128 when refused
 *	publish TOPIC PAYLOAD		published RC, with QoS 1, when it is acknowledged
 *	disconnect			disconnected RC
 *
 *	message TOPIC PAYLOAD		came
 *	lost				the connection ended
 *	goodbye REASON			… and the broker said why (MQTT 5)
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <MQTTClient.h>

enum {
	LINE_BYTES = 65536,
	KEEPALIVE_S = 20,
	TIMEOUT_MS = 10000,
};

struct paho {
	MQTTClient client;
	int version;
	const char *user;
};

/* A line at a time, whichever thread says it. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	flockfile(stdout);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
	va_end(arguments);
}

/* ---- what happens by itself, in a thread of the library's ----------------------------------- */

static int on_message(void *context, char *topic, int topic_len, MQTTClient_message *message)
{
	(void)context;
	(void)topic_len; /* not 0 only when the topic has a NUL */
	say("message %s %.*s", topic, message->payloadlen, (const char *)message->payload);
	MQTTClient_freeMessage(&message);
	MQTTClient_free(topic);
	return 1;
}

static void on_lost(void *context, char *cause)
{
	(void)context;
	(void)cause;
	say("lost");
}

static void on_goodbye(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)context;
	(void)properties;
	say("goodbye %d", (int)reason);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void run_connect(struct paho *paho, const char *token)
{
	MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
	MQTTClient_connectOptions options5 = MQTTClient_connectOptions_initializer5;
	int rc;
	if (paho->version == 5)
		options = options5;
	else
		options.MQTTVersion = MQTTVERSION_3_1_1;
	options.keepAliveInterval = KEEPALIVE_S;
	options.connectTimeout = TIMEOUT_MS / 1000;
	options.username = paho->user;
	options.password = token;
	if (paho->version == 5) {
		MQTTResponse response = MQTTClient_connect5(paho->client, &options, NULL, NULL);
		rc = response.reasonCode;
		MQTTResponse_free(response);
	} else {
		rc = MQTTClient_connect(paho->client, &options);
	}
	/* below zero: the library's own */
	say(rc >= 0 ? "connected %d" : "refused %d", rc);
}

static void run_subscribe(struct paho *paho, const char *filter)
{
	int rc;
	if (paho->version == 5) {
		MQTTResponse response = MQTTClient_subscribe5(paho->client, filter, 1, NULL, NULL);
		rc = response.reasonCode;
		MQTTResponse_free(response);
	} else {
		rc = MQTTClient_subscribe(paho->client, filter, 1);
	}
	say("subscribed %d", rc);
}

static void run_publish(struct paho *paho, const char *topic, const char *payload)
{
	MQTTClient_deliveryToken token;
	int len = (int)strlen(payload);
	int rc;
	if (paho->version == 5) {
		MQTTResponse response =
			MQTTClient_publish5(paho->client, topic, len, payload, 1, 0, NULL, &token);
		rc = response.reasonCode;
		MQTTResponse_free(response);
	} else {
		rc = MQTTClient_publish(paho->client, topic, len, payload, 1, 0, &token);
	}
	if (rc == MQTTCLIENT_SUCCESS)
		rc = MQTTClient_waitForCompletion(paho->client, token, TIMEOUT_MS);
	say("published %d", rc);
}

static void run_disconnect(struct paho *paho)
{
	int rc = paho->version == 5
			 ? MQTTClient_disconnect5(paho->client, 1000, MQTTREASONCODE_SUCCESS, NULL)
			 : MQTTClient_disconnect(paho->client, 1000);
	say("disconnected %d", rc);
}

static bool command_run(struct paho *paho, char *line)
{
	char *rest = line;
	const char *command = strsep(&rest, " ");
	const char *first = rest ? strsep(&rest, " ") : "";
	if (strcmp(command, "connect") == 0)
		run_connect(paho, first);
	else if (strcmp(command, "subscribe") == 0)
		run_subscribe(paho, first);
	else if (strcmp(command, "publish") == 0)
		run_publish(paho, first, rest ? rest : "");
	else if (strcmp(command, "disconnect") == 0)
		run_disconnect(paho);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static char line[LINE_BYTES];
	struct paho paho = { 0 };
	MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
	if (argc != 5) {
		fprintf(stderr, "usage: paho 4|5 URL CLIENT_ID USER\n");
		return 2;
	}
	paho.version = strcmp(argv[1], "5") == 0 ? 5 : 4;
	paho.user = argv[4];
	options.MQTTVersion = paho.version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
	int rc = MQTTClient_createWithOptions(
		&paho.client, argv[2], argv[3], MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
	if (rc == MQTTCLIENT_SUCCESS)
		rc = MQTTClient_setCallbacks(paho.client, NULL, on_lost, on_message, NULL);
	if (rc == MQTTCLIENT_SUCCESS && paho.version == 5)
		rc = MQTTClient_setDisconnected(paho.client, NULL, on_goodbye);
	while (rc == MQTTCLIENT_SUCCESS && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!command_run(&paho, line))
			rc = 2;
	}
	MQTTClient_destroy(&paho.client);
	return rc == MQTTCLIENT_SUCCESS ? 0 : 1;
}
