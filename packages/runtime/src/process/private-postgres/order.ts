/** What the keeper is told: the first line of its standard input, as JSON. The end of its input is the order to end. */
export interface KeeperOrder {
  /** Folder of initdb and postgres. */
  readonly bin: string;
  /** To become before anything is touched; undefined: stay who we are. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
  /** Where the folder may be made, best first. */
  readonly temporaryFolders: readonly string[];
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** PostgreSQL's shared_preload_libraries. */
  readonly preload: string;
  /** After so long it ends by itself: whoever asked for it has been frozen. */
  readonly boundMilliseconds: number;
}

/** What the keeper answers, each on a line of its standard output. */
export type KeeperAnswer = { readonly ready: string } | { readonly failed: string };
