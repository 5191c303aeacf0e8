import type { Inbox, SentMail } from './mailer.js';

const most = 500;

/** The newest mails, in memory; what is older goes. */
export function createInbox(): Inbox & { add(mail: SentMail): void } {
  let mails: readonly SentMail[] = [];
  return {
    list: () => mails,
    find: (id) => mails.find((mail) => mail.id === id),
    clear() {
      mails = [];
    },
    add(mail) {
      mails = [mail, ...mails].slice(0, most);
    },
  };
}
