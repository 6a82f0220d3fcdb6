/*
 * Every handler, by noun. Each is called with its route's demands met: the caller known, the body
 * parsed, the transaction open. Each gives OK with the answer written, or what went wrong.
 */
#ifndef REST_HANDLER_HANDLER_H
#define REST_HANDLER_HANDLER_H

#include "rest/request.h"

/* POST /auth/register {handle, display_name, password, email?, locale?, device?}: 201 {user,
 * access_token, refresh_token, expires_in, session}; 409 conflict when handle or e-mail is taken.
 */
must_check enum err auth_register(struct request *req);

/* POST /auth/login {handle or email, password, device?}: 200, the same; 401 alike for unknown user
 * and wrong password. */
must_check enum err auth_login(struct request *req);

/* POST /auth/refresh {refresh_token}: 200, the same with a new pair; 401 for a token that is none or was used
 * before, which ends its session. */
must_check enum err auth_refresh(struct request *req);

/* POST /auth/logout: 204; the caller's session has ended. */
must_check enum err auth_logout(struct request *req);

/* POST /auth/password {current, new}: 204; every other session has ended. 403 for a wrong current one; 409
 * where there is none, as of people of an identity provider. */
must_check enum err auth_password(struct request *req);

/* POST /auth/password/reset {email}: 204 whether the address is known or not; where it is, a mail with a token follows. */
must_check enum err reset_request(struct request *req);

/* POST /auth/password/reset/confirm {token, password}: 204; every session of its user has ended. 401 for a token that is none, was
 * used, has ended or is void. */
must_check enum err reset_confirm(struct request *req);
/* POST /webhooks/identity, signed: 200 {outcome}; 401 when it is not signed well, or old. */
must_check enum err webhook_identity(struct request *req);

/* GET /sessions?limit=&cursor=: 200 list of Session, latest sign-in first. */
must_check enum err session_list(struct request *req);

/* DELETE /sessions/{session}: 204, again and again; 404 for one that is not the caller's. */
must_check enum err session_delete(struct request *req);

/* GET /devices?limit=&cursor=: 200 list of Device, what was first signed in on latest first. */
must_check enum err device_list(struct request *req);

/* DELETE /devices/{device}: 204, again and again; its sessions have ended. 404 for one that is not the
 * caller's. */
must_check enum err device_delete(struct request *req);

/* PUT /devices/{device}/keys {identity_key, signed_prekey, one_time_prekeys?}: 200 {one_time_prekeys}; 403 of another device than
 * the caller's; 404; 409 id_reused, conflict. */
must_check enum err device_key_put(struct request *req);

/* GET /devices/{device}/keys: 200 OwnDeviceKeys; 404 where there are none. */
must_check enum err device_key_get(struct request *req);

/* GET /users/{user}/keys?take=: 200 list of DeviceKeys, whose one-time pre-keys are then the caller's; 403 blocked; 404. */
must_check enum err device_key_take(struct request *req);

/* GET /users/me: 200 User with email, locale, settings. */
must_check enum err user_own(struct request *req);

/* PATCH /users/me {display_name?, avatar_url?, bio?, locale?, settings?}: 200, the profile as it
 * then is. */
must_check enum err user_update(struct request *req);

/* DELETE /users/me: 204; the account is erased, its sessions have ended. */
must_check enum err user_delete(struct request *req);

/* GET /users/{user}: 200 User; 404. */
must_check enum err user_profile(struct request *req);

/* GET /users?q=&limit=&cursor=: 200 list of User, by name. */
must_check enum err user_search(struct request *req);

/* GET /contacts?limit=&cursor=: 200 list of User with added_at, latest first. */
must_check enum err contact_list(struct request *req);

/* PUT /contacts/{user}: 204, again and again; 404; 409 beyond contacts_max; 422 for oneself. */
must_check enum err contact_put(struct request *req);

/* DELETE /contacts/{user}: 204, again and again. */
must_check enum err contact_delete(struct request *req);

/* GET /blocks, PUT /blocks/{user}, DELETE /blocks/{user}: the same with blocked_at and blocks_max. */
must_check enum err block_list(struct request *req);
must_check enum err block_put(struct request *req);
must_check enum err block_delete(struct request *req);

/* GET /conversations?limit=&cursor=: 200 list of Conversation, latest activity first. */
must_check enum err conversation_list(struct request *req);

/* POST /conversations {kind, member_ids, title?, avatar_url?, external_ref?, history?}: 201
 * Conversation, or 200 with the one of the same pair or external_ref; 409 conflict, group_full. */
must_check enum err conversation_create(struct request *req);

/* GET /conversations/{conversation}: 200 Conversation with its members; 404. */
must_check enum err conversation_get(struct request *req);

/* PATCH /conversations/{conversation} {title?, avatar_url?}: 200 Conversation; 403; 404; 409 when it
 * is direct. */
must_check enum err conversation_update(struct request *req);
must_check enum err conversation_delete(struct request *req);

/* PUT /conversations/{conversation}/members/{user} {role?}: 204; 403; 404; 409 conflict, group_full.
 */
must_check enum err member_put(struct request *req);

/* DELETE /conversations/{conversation}/members/{user}: 204; 403; 404; 409. */
must_check enum err member_remove(struct request *req);

/* PATCH /conversations/{conversation}/me {muted_until?, pinned?, archived?}: 200, the "me" of the
 * conversation as it then is; 404. */
must_check enum err membership_update(struct request *req);

/* GET /search/messages?q=&conversation=&from=&limit=&cursor=: 200 list of {message, snippet, highlights}, latest first; 404. */
must_check enum err search_messages(struct request *req);

/* GET /unread: 200 {unread_count, conversations}. */
must_check enum err unread_get(struct request *req);

/* GET /conversations/{conversation}/messages?before=&after=&limit=: 200 list of Message; 404. */
must_check enum err message_list(struct request *req);

/* POST /conversations/{conversation}/messages {id?, type?, body?, ciphertext?, metadata?,
 * reply_to?, attachments?}: 201 Message, or 200 with the message as it is when it had been sent
 * before; 404; 409 id_reused. */
must_check enum err message_create(struct request *req);

/* GET /conversations/{conversation}/messages/{message}: 200 Message; 404. */
must_check enum err message_get(struct request *req);

/* PATCH /conversations/{conversation}/messages/{message} {body?, ciphertext?, metadata?}: 200 Message as it now is; 403; 404; 409. */
must_check enum err message_edit(struct request *req);

/* DELETE /conversations/{conversation}/messages/{message}: 204, again and again; 403; 404. */
must_check enum err message_delete(struct request *req);

/* GET /conversations/{conversation}/messages/{message}/versions?limit=&cursor=: 200 list of what it was before, latest first; 403;
 * 404. */
must_check enum err message_versions(struct request *req);

/* PUT /conversations/{conversation}/messages/{message}/reactions/{emoji}: 204, again and again; 403 blocked; 404; 409 of a
 * tombstone, and when there are too many; 422 for what is no emoji. */
must_check enum err reaction_put(struct request *req);

/* DELETE, the same: 204, again and again; 404; 422. */
must_check enum err reaction_remove(struct request *req);

/* POST /conversations/{conversation}/read {seq?}: 200 {last_read_seq, unread_count}; 404; 422
 * beyond the last. */
must_check enum err receipt_read(struct request *req);

/* POST /conversations/{conversation}/delivered {seq?}: 200 {last_delivered_seq}; 404; 422 beyond
 * the last. */
must_check enum err receipt_delivered(struct request *req);

/* POST /attachments, the file itself or a form with the field file: 201 Attachment; 409 quota_exceeded; 413; 415; 422. */
must_check enum err attachment_create(struct request *req);

/* GET /conversations/{conversation}/messages/{message}/receipts?limit=&cursor=: 200 list of {user_id, status, at}, by id; 404. */
must_check enum err receipt_list(struct request *req);

/* GET /sync?since=&limit=: 200 {conversations, messages, receipts, left, next, has_more, reset,
 * timings}. */
must_check enum err sync_get(struct request *req);

/* GET /config: 200 what a client has to know before it logs in. */
must_check enum err config_get(struct request *req);

/* GET /attachments/{attachment}: 200 the file, 206 a part of it, 304; 404 for who may not read it; 412, 416. */
must_check enum err download_content(struct request *req);

/* GET /attachments/{attachment}/thumbnail: the same; 404 also when it has none. */
must_check enum err download_thumbnail(struct request *req);

/*
 * The drop-in routes (rest/dropin.c), in the older service's envelope; 403 for what is not the caller's.
 * GET /messages/conversations/{person}?limit=&offset=: 200 list, latest activity first.
 */
must_check enum err dropin_list(struct request *req);

/* GET /messages/{conversation}?limit=&offset=: 200 {messages, total}, a page back from the newest, oldest first. */
must_check enum err dropin_history(struct request *req);

/* POST /messages {request_match_id, participant_ids}: 201 the conversation, or 200 with the one of the match; 409. */
must_check enum err dropin_create(struct request *req);

/* POST /messages/{conversation}/mark-read {user_id}: 200 {last_read_seq, unread_count}. */
must_check enum err dropin_read(struct request *req);

/* GET /health: 200 {status: "ok"}, or 503 saying which part is missing. */
must_check enum err health_get(struct request *req);

#endif
