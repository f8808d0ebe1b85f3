/** The test of vendor accounts. The API loads it with the first test, because tests are rare. */
import { createAccountTester } from "@mjflow/providers/account-test/account-test";
import { createHttpClient } from "@mjflow/providers/http-client";

export const { test } = createAccountTester({ httpClient: createHttpClient() });
