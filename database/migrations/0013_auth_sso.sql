-- The schema auth, continued: single sign-on by SAML, and provisioning by SCIM.

DO $$
BEGIN
  IF to_regclass('auth.sso_providers') IS NOT NULL OR EXISTS (SELECT FROM auth.schema_migrations) THEN
    RETURN;
  END IF;
  SET LOCAL ROLE supabase_auth_admin;

  CREATE TABLE auth.sso_providers (
    id uuid NOT NULL,
    resource_id text,
    created_at timestamptz,
    updated_at timestamptz,
    disabled boolean,
    CONSTRAINT sso_providers_pkey PRIMARY KEY (id),
    -- "= NULL", here and below, is the server's; with it the check refuses nothing.
    CONSTRAINT "resource_id not empty" CHECK (resource_id = NULL OR char_length(resource_id) > 0)
  );
  CREATE UNIQUE INDEX sso_providers_resource_id_idx ON auth.sso_providers (lower(resource_id));
  CREATE INDEX sso_providers_resource_id_pattern_idx ON auth.sso_providers (resource_id text_pattern_ops);

  CREATE TABLE auth.sso_domains (
    id uuid NOT NULL,
    sso_provider_id uuid NOT NULL,
    domain text NOT NULL,
    created_at timestamptz,
    updated_at timestamptz,
    CONSTRAINT sso_domains_pkey PRIMARY KEY (id),
    CONSTRAINT sso_domains_sso_provider_id_fkey FOREIGN KEY (sso_provider_id) REFERENCES auth.sso_providers (id) ON DELETE CASCADE,
    CONSTRAINT "domain not empty" CHECK (char_length(domain) > 0)
  );
  CREATE INDEX sso_domains_sso_provider_id_idx ON auth.sso_domains (sso_provider_id);
  CREATE UNIQUE INDEX sso_domains_domain_idx ON auth.sso_domains (lower(domain));

  CREATE TABLE auth.saml_providers (
    id uuid NOT NULL,
    sso_provider_id uuid NOT NULL,
    entity_id text NOT NULL,
    metadata_xml text NOT NULL,
    metadata_url text,
    attribute_mapping jsonb,
    created_at timestamptz,
    updated_at timestamptz,
    name_id_format text,
    CONSTRAINT saml_providers_pkey PRIMARY KEY (id),
    CONSTRAINT saml_providers_entity_id_key UNIQUE (entity_id),
    CONSTRAINT saml_providers_sso_provider_id_fkey
      FOREIGN KEY (sso_provider_id) REFERENCES auth.sso_providers (id) ON DELETE CASCADE,
    CONSTRAINT "metadata_xml not empty" CHECK (char_length(metadata_xml) > 0),
    CONSTRAINT "metadata_url not empty" CHECK (metadata_url = NULL OR char_length(metadata_url) > 0),
    CONSTRAINT "entity_id not empty" CHECK (char_length(entity_id) > 0)
  );
  CREATE INDEX saml_providers_sso_provider_id_idx ON auth.saml_providers (sso_provider_id);

  CREATE TABLE auth.saml_relay_states (
    id uuid NOT NULL,
    sso_provider_id uuid NOT NULL,
    request_id text NOT NULL,
    for_email text,
    redirect_to text,
    created_at timestamptz,
    updated_at timestamptz,
    flow_state_id uuid,
    CONSTRAINT saml_relay_states_pkey PRIMARY KEY (id),
    CONSTRAINT saml_relay_states_sso_provider_id_fkey
      FOREIGN KEY (sso_provider_id) REFERENCES auth.sso_providers (id) ON DELETE CASCADE,
    CONSTRAINT saml_relay_states_flow_state_id_fkey FOREIGN KEY (flow_state_id) REFERENCES auth.flow_state (id) ON DELETE CASCADE,
    CONSTRAINT "request_id not empty" CHECK (char_length(request_id) > 0)
  );
  CREATE INDEX saml_relay_states_sso_provider_id_idx ON auth.saml_relay_states (sso_provider_id);
  CREATE INDEX saml_relay_states_for_email_idx ON auth.saml_relay_states (for_email);
  CREATE INDEX saml_relay_states_created_at_idx ON auth.saml_relay_states (created_at DESC);

  CREATE TABLE auth.scim_users (
    id uuid NOT NULL,
    sso_provider_id uuid NOT NULL,
    user_id uuid,
    resource jsonb NOT NULL,
    user_name text NOT NULL GENERATED ALWAYS AS (lower(resource ->> 'userName')) STORED,
    external_id text GENERATED ALWAYS AS (resource ->> 'externalId') STORED,
    active boolean NOT NULL GENERATED ALWAYS AS (coalesce((resource ->> 'active')::boolean, true)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT scim_users_pkey PRIMARY KEY (id),
    CONSTRAINT scim_users_sso_provider_id_fkey FOREIGN KEY (sso_provider_id) REFERENCES auth.sso_providers (id) ON DELETE CASCADE,
    CONSTRAINT scim_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL
  );
  CREATE UNIQUE INDEX scim_users_user_name_key ON auth.scim_users (sso_provider_id, user_name) WHERE deleted_at IS NULL;
  CREATE UNIQUE INDEX scim_users_external_id_key ON auth.scim_users (sso_provider_id, external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;
  CREATE INDEX scim_users_id_idx ON auth.scim_users (sso_provider_id, id) WHERE deleted_at IS NULL;
  CREATE INDEX scim_users_user_name_idx ON auth.scim_users (sso_provider_id, user_name COLLATE "C", id) WHERE deleted_at IS NULL;
  CREATE INDEX scim_users_created_at_idx ON auth.scim_users (sso_provider_id, created_at, id) WHERE deleted_at IS NULL;
  CREATE INDEX scim_users_updated_at_idx ON auth.scim_users (sso_provider_id, updated_at, id) WHERE deleted_at IS NULL;
  -- Whole, since what deletes a user or a provider must find soft-deleted rows too.
  CREATE INDEX scim_users_user_id_idx ON auth.scim_users (user_id);
  CREATE INDEX scim_users_sso_provider_id_idx ON auth.scim_users (sso_provider_id);
  CREATE INDEX scim_users_deleted_at_idx ON auth.scim_users (deleted_at);

  CREATE TABLE auth.scim_tokens (
    id uuid NOT NULL,
    sso_provider_id uuid NOT NULL,
    token_hash text NOT NULL,
    prefix text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT scim_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT scim_tokens_sso_provider_id_fkey FOREIGN KEY (sso_provider_id) REFERENCES auth.sso_providers (id) ON DELETE CASCADE,
    CONSTRAINT scim_tokens_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT scim_tokens_expires_at_future CHECK (expires_at IS NULL OR expires_at > created_at),
    CONSTRAINT scim_tokens_revoked_after_created CHECK (revoked_at IS NULL OR revoked_at >= created_at)
  );
  CREATE UNIQUE INDEX scim_tokens_token_hash_key ON auth.scim_tokens (token_hash);
  CREATE INDEX scim_tokens_sso_provider_id_idx ON auth.scim_tokens (sso_provider_id);
  CREATE INDEX scim_tokens_expires_at_idx ON auth.scim_tokens (expires_at);
  CREATE INDEX scim_tokens_revoked_at_idx ON auth.scim_tokens (revoked_at);

  COMMENT ON TABLE auth.sso_providers IS 'Auth: identity providers for single sign-on; what is special to SAML is in saml_providers.';
  COMMENT ON COLUMN auth.sso_providers.resource_id IS 'Auth: a name that the operator chose, unique without regard to case.';
  COMMENT ON TABLE auth.sso_domains IS 'Auth: which provider answers for which domain of email addresses.';
  COMMENT ON TABLE auth.saml_providers IS 'Auth: connections to SAML identity providers.';
  COMMENT ON TABLE auth.saml_relay_states IS 'Auth: SAML sign-ins that are under way.';

  RESET ROLE;
END
$$;
