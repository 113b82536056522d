// app/api/auth/[...nextauth]/route.js. First: npm install next-auth
import NextAuth from "next-auth";

const handler = NextAuth({
  providers: [
    {
      id: "vestibule",
      name: "Vestibule",
      type: "oauth",
      wellKnown: "{{ issuer }}/.well-known/openid-configuration",
      clientId: "{{ client_id }}",
      clientSecret: process.env.VESTIBULE_CLIENT_SECRET,
      authorization: { params: { scope: "openid profile email groups" } },
      idToken: true,
      checks: ["pkce", "state", "nonce"],
      profile: (claims) => ({ id: claims.sub, name: claims.name, email: claims.email }),
    },
  ],
  callbacks: {
    // `profile` is there once, at the sign-in: what later requests need goes into the session's own token.
    jwt: ({ token, profile }) => (profile ? { ...token, groups: profile.groups } : token),
    session: ({ session, token }) => ({ ...session, sub: token.sub, groups: token.groups }),
  },
});

export { handler as GET, handler as POST };
