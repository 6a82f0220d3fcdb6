-- Least rights, one role a program. Applied after every migration, whole.

revoke all on schema public from public;
revoke all on all tables in schema public from public;
revoke all on all functions in schema public from public;

-- parley-rest: reads and writes what its statements do, and nothing else; no delete but of sessions that are over,
-- of relations, the index of people and keys of devices
grant usage on schema public to parley_rest;
grant select, insert, update on users, devices, sessions, conversations, members to parley_rest;
grant select, insert on messages to parley_rest;
-- who sent it, when, and its place stay for ever
grant update (rev, body, ciphertext, metadata, reply_to, attachments, reactions, edited_at, deleted_at, touched, changed_xid) on messages
	to parley_rest;
grant select, insert, delete on reactions, attachments, attachment_uses, message_versions to parley_rest;
grant select, insert on receipts to parley_rest;
grant select on attachment_usage to parley_rest;
grant insert on erasures to parley_rest;
grant select, insert, update on identities, identity_wanted to parley_rest;
grant select on identity_keys to parley_rest;
grant select, insert, update, delete on webhook_ids to parley_rest;
grant delete on sessions to parley_rest;
grant select, insert, update, delete on contacts, blocks to parley_rest;
grant select, insert, delete on user_terms to parley_rest;
-- the words of messages are written by functions with their owner's rights
grant select on message_words, message_words_due to parley_rest;
grant select, insert, update, delete on device_keys to parley_rest;
grant select, insert, delete, update (taken) on one_time_prekeys to parley_rest;
grant select, insert, update, delete on password_resets to parley_rest;
-- what an upload notes; what becomes of it is for parley-notify
grant select, insert, update on attachment_loose to parley_rest;
grant execute on all functions in schema public to parley_rest;

-- parley-push: reads the WAL (its REPLICATION attribute); no table
grant usage on schema public to parley_push;

-- parley-notify: the work that is its own; of people and messages what a function of ours tells it
grant usage on schema public to parley_notify;
grant select, update, delete on password_resets to parley_notify;
grant select, insert, delete on identity_keys to parley_notify;
grant select, insert, update on identity_wanted to parley_notify;
grant select, update, delete on attachment_loose to parley_notify;
grant execute on function reset_take, identity_keys_put, sweep_attachments, sweep_content_named, sweep_receipts, erasure_step,
	conversation_purge, search_fill to parley_notify;
