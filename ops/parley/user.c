/* parley user …: accounts, as an operator makes them (operator.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json_read.h"
#include "lib/json_write.h"
#include "lib/model/user.h"
#include "ops/parley/table.h"
#include "rest/password.h"
#include "sql/store/user.h"

int operator_user(struct operation *op, const char *name, struct uuid *out)
{
	struct str text = str_of(name);
	enum err err;

	if (uuid_parse(text, out) == OK)
		return EXIT_DONE;
	if (!text_is_utf8(text))
		return operator_misuse("a user is named by id or handle");
	err = db_user_find(op->db, op->arena, text, out);
	if (err == ERR_NOT_FOUND)
		return operator_fail("there is nobody of the handle %s", name);
	return err == OK ? EXIT_DONE : operator_fail_db(op, err);
}

/* One line of standard input without its end; a terminal does not show it. False: there is none, or it is too long. */
static bool password_read(char out[PASSWORD_MAX_BYTES + 2], size_t *len)
{
	struct termios shown, hidden;
	bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
	ssize_t n = 0;

	if (terminal) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fputs("Password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	*len = 0;
	do {
		n = read(STDIN_FILENO, out + *len, PASSWORD_MAX_BYTES + 2 - *len);
		*len += n > 0 ? (size_t)n : 0;
	} while ((n < 0 && errno == EINTR) ||
		 (n > 0 && !memchr(out, '\n', *len) && *len < PASSWORD_MAX_BYTES + 2));
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (*len > 0 && out[*len - 1] == '\n')
		(*len)--;
	return n >= 0 && *len > 0 && *len <= PASSWORD_MAX_BYTES && !memchr(out, '\n', *len);
}

static void member_write(struct buf *out, const char *key, struct str value)
{
	if (!value.ptr)
		return;
	json_write_comma(out);
	json_write_string(out, key);
	buf_add_char(out, ':');
	json_write_str(out, value);
}

/*
 * What was typed, by the very rules by which people register: as the document that they would send. Says what is wrong;
 * then false. password.ptr NULL: none is set.
 */
static bool user_read(struct operation *op, struct str password, struct user_new *out)
{
	struct buf document = { 0 };
	struct faults faults = { 0 };
	const struct json *json;
	char why[JSON_WHY_BYTES];
	struct str text;
	size_t count = 0;

	json_write_object(&document);
	member_write(&document, "handle", str_of(operator_value(op, "handle")));
	member_write(&document, "display_name", str_of(operator_value(op, "name")));
	member_write(&document, "email", str_of(operator_value(op, "email")));
	member_write(&document, "password", password);
	json_write_object_end(&document);
	text = (struct str){ arena_strndup(op->arena, document.data, document.len), document.len };
	explicit_bzero(document.data, document.len);
	buf_free(&document);
	if (json_parse(op->arena, text, JSON_DEPTH_MAX, why, &json) != OK) {
		operator_misuse("what was given is not UTF-8");
		return false;
	}
	user_new_read(json, &faults, out);
	for (size_t i = 0; i < faults.count; i++) {
		const char *field = faults.items[i].field;

		/* REST asks for one; here it is a choice */
		if (!password.ptr && strcmp(field, "password") == 0)
			continue;
		operator_misuse("%s%s: %s", strcmp(field, "password") == 0 ? "" : "--",
			strcmp(field, "display_name") == 0 ? "name" : field,
			faults.items[i].detail);
		count++;
	}
	return count == 0;
}

/* An id alone, for $(…). */
static int id_print(const struct uuid *id)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(id, text);
	if (printf("%s\n", text) > 0 && fflush(stdout) == 0)
		return EXIT_DONE;
	return operator_fail("the answer could not be written");
}

int user_add(struct operation *op)
{
	static const char *const names[] = { "id", "handle", "display_name", "email" };
	char password[PASSWORD_MAX_BYTES + 2], hash[crypto_pwhash_STRBYTES];
	bool has_password = operator_value(op, "password-stdin") != NULL;
	struct str given = { NULL, 0 };
	struct faults faults = { 0 };
	struct user_new new;
	struct user user;
	struct table *table;
	struct uuid id;
	enum err err;

	if (has_password && !password_read(password, &given.len))
		return operator_misuse(
			"standard input has no password, or one of more than %d bytes",
			PASSWORD_MAX_BYTES);
	if (has_password)
		given.ptr = password;
	if (!user_read(op, given, &new))
		return EXIT_USAGE;
	if (has_password && password_hash(given, hash) != OK)
		return operator_fail("there is no memory to hash the password");
	explicit_bzero(password, sizeof(password));
	uuid_new(&id);
	err = db_user_add(
		op->db, op->arena, &id, &new, str_of(has_password ? hash : NULL), &faults, &user);
	if (err == ERR_CONFLICT)
		return operator_fail("--%s: %s", faults.items[0].field, faults.items[0].detail);
	if (err != OK)
		return operator_fail_db(op, err);
	if (!op->options->json)
		return id_print(&user.id);
	table = table_new(op, names, 4);
	table_uuid(table, &user.id);
	table_text(table, user.handle);
	table_text(table, user.display_name);
	table_text(table, user.email);
	return table_print_record(table);
}

/* Shuts an account, or opens it. */
static int account_turn(struct operation *op, bool disabled)
{
	static const char *const names[] = { "id", "disabled" };
	struct table *table = table_new(op, names, 2);
	struct uuid id;
	enum err err;
	int status = operator_user(op, op->options->operand, &id);

	if (status != EXIT_DONE)
		return status;
	err = disabled ? db_user_disable(op->db, op->arena, &id)
		       : db_user_enable(op->db, op->arena, &id);
	if (err == ERR_NOT_FOUND)
		return operator_fail("there is nobody of the id %s", op->options->operand);
	if (err != OK)
		return operator_fail_db(op, err);
	table_uuid(table, &id);
	table_bool(table, disabled);
	return table_print_record(table);
}

int user_erase(struct operation *op)
{
	static const char *const names[] = { "id", "erased" };
	struct table *table = table_new(op, names, 2);
	struct user user;
	struct uuid id;
	enum err err;
	int status = operator_user(op, op->options->operand, &id);

	if (status != EXIT_DONE)
		return status;
	err = db_user_profile(op->db, op->arena, &id, &user);
	if (err == ERR_NOT_FOUND)
		return operator_fail("there is nobody of the id %s", op->options->operand);
	if (err == OK)
		err = db_user_erase(
			op->db, op->arena, &id, op->conf.erase_messages, op->conf.system_messages);
	if (err != OK)
		return operator_fail_db(op, err);
	table_uuid(table, &id);
	table_bool(table, true);
	return table_print_record(table);
}

int user_disable(struct operation *op)
{
	return account_turn(op, true);
}

int user_enable(struct operation *op)
{
	return account_turn(op, false);
}
