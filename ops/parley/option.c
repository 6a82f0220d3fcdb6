/* The command line (option.h). Called by main.c; durations by the commands. */
#include "ops/parley/option.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "lib/text.h"

enum {
	DURATION_MAX_S = 10 * 366 * 86400
};

__attribute__((format(printf, 2, 3))) static enum err refuse(
	struct options *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out->why, sizeof(out->why), format, args);
	va_end(args);
	return ERR_INVALID_INPUT;
}

/* Is word the first of the command's words; are both of them all? */
static bool words_begin(const char *words, const char *word)
{
	size_t len = strlen(word);

	return strncmp(words, word, len) == 0 && (words[len] == ' ' || words[len] == '\0');
}

static bool words_are(const char *words, const char *first, const char *second)
{
	size_t len = strlen(first);

	if (!words_begin(words, first))
		return false;
	return second ? words[len] == ' ' && strcmp(words + len + 1, second) == 0
		      : words[len] == '\0';
}

/* Takes a word that is no option: of the command's name, or its operand. */
static enum err word_take(
	const struct command *commands, size_t ncommands, const char *word, struct options *out)
{
	bool begins = false;

	if (out->command) {
		if (!out->command->operand)
			return refuse(out, "parley %s takes no argument \"%s\"",
				out->command->words, word);
		if (out->operand)
			return refuse(out, "parley %s takes one %s, and \"%s\" is a second",
				out->command->words, out->command->operand, word);
		out->operand = word;
		return OK;
	}
	for (size_t i = 0; i < ncommands; i++) {
		const char *words = commands[i].words;

		if (out->group ? words_are(words, out->group, word)
			       : words_are(words, word, NULL)) {
			out->command = &commands[i];
			return OK;
		}
		begins = begins || (!out->group && words_begin(words, word));
	}
	if (!begins)
		return refuse(out, "there is no command \"%s%s%s\"", out->group ? out->group : "",
			out->group ? " " : "", word);
	out->group = word;
	return OK;
}

/* The value of an option: behind its "=", or the next argument. */
static enum err value_take(struct options *out, const char *name, size_t name_len,
	const char *equals, char *const **rest, const char **value)
{
	if (*value)
		return refuse(out, "--%.*s is given twice", (int)name_len, name);
	if (equals) {
		*value = equals + 1;
		return OK;
	}
	if (!**rest)
		return refuse(out, "--%.*s needs a value", (int)name_len, name);
	*value = *(*rest)++;
	return OK;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

/* Takes the option of argument ("--name" or "--name=value"). */
static enum err flag_take(struct options *out, const char *argument, char *const **rest)
{
	const char *name = argument + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct {
		const char *name;
		bool *truth;
	} switches[] = { { "help", &out->help }, { "json", &out->json },
		{ "version", &out->version } };

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (!is_name(name, len, switches[i].name))
			continue;
		if (equals)
			return refuse(out, "--%.*s takes no value", (int)len, name);
		*switches[i].truth = true;
		return OK;
	}
	if (is_name(name, len, "config"))
		return value_take(out, name, len, equals, rest, &out->config);
	if (!out->command)
		return refuse(out, "%s stands before the command, or is unknown", argument);
	for (size_t i = 0; out->command->flags && out->command->flags[i].name; i++) {
		const struct flag *flag = &out->command->flags[i];

		if (!is_name(name, len, flag->name))
			continue;
		if (flag->value)
			return value_take(out, name, len, equals, rest, &out->values[i]);
		if (equals)
			return refuse(out, "--%s takes no value", flag->name);
		out->values[i] = "";
		return OK;
	}
	return refuse(out, "parley %s has no option --%.*s", out->command->words, (int)len, name);
}

/* Is everything there that the command needs? */
static enum err needed_check(struct options *out)
{
	const struct command *command = out->command;

	if (!command && out->group)
		return refuse(out, "parley %s what?", out->group);
	if (!command)
		return refuse(out, "a command is needed");
	for (size_t i = 0; command->flags && command->flags[i].name; i++) {
		if (command->flags[i].needed && !out->values[i])
			return refuse(out, "parley %s needs --%s %s", command->words,
				command->flags[i].name, command->flags[i].value);
	}
	if (command->operand && !out->operand)
		return refuse(out, "parley %s needs %s", command->words, command->operand);
	return OK;
}

enum err options_parse(const struct command *commands, size_t ncommands, int argc,
	char *const *argv, struct options *out)
{
	char *const *rest = argv + (argc > 0 ? 1 : 0);
	bool words_only = false;

	*out = (struct options){ 0 };
	while (*rest) {
		const char *argument = *rest++;
		enum err err = OK;

		if (!words_only && strcmp(argument, "--") == 0)
			words_only = true;
		else if (!words_only && strcmp(argument, "-h") == 0)
			out->help = true;
		else if (!words_only && strncmp(argument, "--", 2) == 0)
			err = flag_take(out, argument, &rest);
		else if (!words_only && argument[0] == '-')
			err = refuse(
				out, "options begin with two dashes, and %s does not", argument);
		else
			err = word_take(commands, ncommands, argument, out);
		if (err != OK)
			return err;
	}
	return out->help || out->version ? OK : needed_check(out);
}

/* "token create --name NAME [--expires TIME]" */
static void usage_print(FILE *out, const struct command *command)
{
	fprintf(out, "parley %s", command->words);
	for (size_t i = 0; command->flags && command->flags[i].name; i++) {
		const struct flag *flag = &command->flags[i];

		fprintf(out, " %s--%s%s%s%s", flag->needed ? "" : "[", flag->name,
			flag->value ? " " : "", flag->value ? flag->value : "",
			flag->needed ? "" : "]");
	}
	if (command->operand)
		fprintf(out, " %s", command->operand);
}

static void common_print(FILE *out)
{
	fputs("\nWith every command:\n"
	      "  --config FILE   settings (else PARLEY_CONF, else none); PARLEY_<KEY> in the "
	      "environment wins\n"
	      "  --json          answer in JSON\n"
	      "  --help          say this\n"
	      "\nExit status: 0 done, 1 refused or failed, 2 not a command.\n",
		out);
}

void options_help(FILE *out, const struct command *commands, size_t ncommands, const char *group)
{
	fprintf(out, "usage: parley %s%sCOMMAND [OPTION…]\n\n", group ? group : "",
		group ? " " : "");
	for (size_t i = 0; i < ncommands; i++) {
		if (!group || words_begin(commands[i].words, group))
			fprintf(out, "  %-15s %s\n", commands[i].words, commands[i].help);
	}
	common_print(out);
}

void options_help_command(FILE *out, const struct command *command)
{
	char name[64];

	fputs("usage: ", out);
	usage_print(out, command);
	fprintf(out, "\n\n%c%s.\n", toupper((unsigned char)command->help[0]), command->help + 1);
	if (command->flags)
		fputc('\n', out);
	for (size_t i = 0; command->flags && command->flags[i].name; i++) {
		const struct flag *flag = &command->flags[i];

		snprintf(name, sizeof(name), "--%s%s%s", flag->name, flag->value ? " " : "",
			flag->value ? flag->value : "");
		fprintf(out, "  %-20s %s\n", name, flag->help);
	}
	if (command->more)
		fprintf(out, "\n%s", command->more);
	if (command->more_print)
		command->more_print(out);
	common_print(out);
}

enum err options_duration(const char *text, long long *seconds)
{
	static const struct {
		char unit;
		long long seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	size_t len = strlen(text);
	long long count;

	if (len < 2)
		return ERR_INVALID_INPUT;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[len - 1] != units[i].unit)
			continue;
		if (!text_parse_int((struct str){ text, len - 1 }, 1,
			    DURATION_MAX_S / units[i].seconds, &count))
			return ERR_INVALID_INPUT;
		*seconds = count * units[i].seconds;
		return OK;
	}
	return ERR_INVALID_INPUT;
}
