import type { RegisterRoutes } from '../auth.js';
import { adminAuditRoutes } from './admin-audit.js';
import { adminUsersRoutes } from './admin-users.js';
import { generateLinkRoutes } from './generate-link.js';
import { healthRoutes } from './health.js';
import { inboxRoutes } from './inbox.js';
import { inviteRoutes } from './invite.js';
import { jwksRoutes } from './jwks.js';
import { logoutRoutes } from './logout.js';
import { otpRoutes } from './otp.js';
import { reauthenticateRoutes } from './reauthenticate.js';
import { recoverRoutes } from './recover.js';
import { resendRoutes } from './resend.js';
import { settingsRoutes } from './settings.js';
import { signupRoutes } from './signup.js';
import { tokenRoutes } from './token.js';
import { userRoutes } from './user.js';
import { verifyRoutes } from './verify.js';

/** Users with passwords, codes and links; sessions; what administrators do with users. */
export const coreRoutes: readonly RegisterRoutes[] = [
  healthRoutes,
  settingsRoutes,
  jwksRoutes,
  signupRoutes,
  tokenRoutes,
  otpRoutes,
  verifyRoutes,
  resendRoutes,
  recoverRoutes,
  inviteRoutes,
  userRoutes,
  reauthenticateRoutes,
  logoutRoutes,
  adminUsersRoutes,
  generateLinkRoutes,
  adminAuditRoutes,
  inboxRoutes,
];
