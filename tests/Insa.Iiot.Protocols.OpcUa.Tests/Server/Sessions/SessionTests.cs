using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Tests.Pki;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server.Sessions;

public sealed class SessionTests
{
    private static readonly SecurityPolicy Policy = SecurityPolicy.Basic256Sha256;
    private const MessageSecurityMode Mode = MessageSecurityMode.SignAndEncrypt;

    [Fact]
    public async Task A_device_signs_in_by_its_password_and_gets_its_tenant()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        await channel.SignInAsync();
        var identity = Assert.Single(SessionsOf(host).All).ActiveIdentity;
        Assert.Equal("acme", identity.Tenant.Value);
        Assert.Equal("press-1", identity.Device!.Device.Value);
        Assert.Equal("opcua", identity.Device.Protocol);
        Assert.False(identity.May(SessionPermissions.ReadTelemetry));
    }

    [Fact]
    public async Task A_user_signs_in_by_address_and_tenant_and_has_their_permissions()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        await channel.SignInAsync(OpcUaHost.User);
        var identity = Assert.Single(SessionsOf(host).All).ActiveIdentity;
        Assert.Equal("1", identity.User!.UserId);
        Assert.True(identity.May(SessionPermissions.ReadTelemetry));
        Assert.False(identity.May(SessionPermissions.ExecuteCommands));
    }

    [Fact]
    public async Task A_device_signs_in_by_its_certificate()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        await channel.ActivateByCertificateAsync(created, OpcUaHost.DeviceCertificate);
        Assert.Equal("press-1", Assert.Single(SessionsOf(host).All).ActiveIdentity.Device!.Device.Value);
    }

    [Fact]
    public async Task A_user_signs_in_by_a_certificate_that_is_trusted_for_users()
    {
        await using var host = await OpcUaHost.StartAsync();
        using var certificate = TestAuthority.SelfSigned($"CN={OpcUaHost.User}", uri: null);
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var request = channel.RequestByCertificate(created, certificate);
        Assert.Equal(StatusCodes.BadIdentityTokenRejected, await channel.FaultAsync(request));

        host.TrustUser(certificate);
        await using var second = await OpcUaHost.StartAsync();
        second.TrustUser(certificate);
        await using var other = await TestChannel.OpenAsync(second, Policy, Mode);
        created = await other.CreateSessionAsync();
        await other.ActivateByCertificateAsync(created, certificate);
        Assert.NotNull(Assert.Single(SessionsOf(second).All).ActiveIdentity.User);
    }

    [Fact]
    public async Task A_user_certificate_without_its_key_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var token = new X509IdentityToken
        {
            PolicyId = channel.FindToken(created, UserTokenType.Certificate).PolicyId,
            CertificateData = OpcUaHost.DeviceCertificate.RawData,
        };
        var forged = TestSession.Sign(OpcUaHost.ClientCertificate, Policy, created.ServerCertificate!, created.ServerNonce!);
        var request = channel.ActivateRequest(created, created.ServerNonce!, token, forged);
        Assert.Equal(StatusCodes.BadUserSignatureInvalid, await channel.FaultAsync(request));
    }

    [Fact]
    public async Task Nobody_is_let_in_unnamed_unless_a_tenant_says_so()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        Assert.DoesNotContain(
            created.ServerEndpoints!.SelectMany(e => e.UserIdentityTokens!),
            token => token.TokenType == UserTokenType.Anonymous
        );
        var nonce = created.ServerNonce!;
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, await channel.FaultAsync(channel.ActivateRequest(created, nonce, null)));
        var token = new AnonymousIdentityToken { PolicyId = "anonymous" };
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, await channel.FaultAsync(channel.ActivateRequest(created, nonce, token)));

        await using var open = await OpcUaHost.StartAsync(options => options.AnonymousTenant = TenantId.Parse("acme"));
        await using var other = await TestChannel.OpenAsync(open, Policy, Mode);
        created = await other.CreateSessionAsync();
        await other.ActivateAsync(created, created.ServerNonce!, null);
        var identity = Assert.Single(SessionsOf(open).All).ActiveIdentity;
        Assert.True(identity.May(SessionPermissions.ReadTelemetry));
        Assert.False(identity.May(SessionPermissions.WriteTelemetry));
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_too_many_lock_the_name_out()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await OpcUaHost.StartAsync(options => options.MaxWrongSignIns = 3, time);
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        for (var i = 0; i < 3; i++)
        {
            var wrong = channel.PasswordToken(created, nonce, password: "wrong");
            Assert.Equal(StatusCodes.BadIdentityTokenRejected, await channel.FaultAsync(channel.ActivateRequest(created, nonce, wrong)));
        }

        var right = channel.PasswordToken(created, nonce);
        Assert.Equal(StatusCodes.BadUserAccessDenied, await channel.FaultAsync(channel.ActivateRequest(created, nonce, right)));

        // Another name is not locked out by it, nor the same one later.
        await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce, "press-2@acme"));
        time.Advance(TimeSpan.FromSeconds(61));
        await using var later = await TestChannel.OpenAsync(host, Policy, Mode);
        await later.SignInAsync();
    }

    [Fact]
    public async Task A_password_for_another_nonce_or_in_the_clear_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        var created = await channel.CreateSessionAsync();
        var old = channel.PasswordToken(created, RandomNumberGenerator.GetBytes(32));
        var nonce = created.ServerNonce!;
        Assert.Equal(StatusCodes.BadIdentityTokenRejected, await channel.FaultAsync(channel.ActivateRequest(created, nonce, old)));
        var clear = new UserNameIdentityToken
        {
            PolicyId = channel.FindToken(created, UserTokenType.UserName).PolicyId,
            UserName = OpcUaHost.Device,
            Password = System.Text.Encoding.UTF8.GetBytes(OpcUaHost.Password),
        };
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, await channel.FaultAsync(channel.ActivateRequest(created, nonce, clear)));
        var unknown = new UserNameIdentityToken
        {
            PolicyId = "else",
            UserName = "a",
            Password = [],
        };
        Assert.Equal(StatusCodes.BadIdentityTokenInvalid, await channel.FaultAsync(channel.ActivateRequest(created, nonce, unknown)));
    }

    [Fact]
    public async Task Who_cannot_be_looked_up_is_told_to_come_back()
    {
        await using var host = await OpcUaHost.StartAsync();
        host.IsDown = true;
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var token = channel.PasswordToken(created, created.ServerNonce!);
        Assert.Equal(StatusCodes.BadServerTooBusy, await channel.FaultAsync(channel.ActivateRequest(created, created.ServerNonce!, token)));
    }

    [Fact]
    public async Task The_server_proves_that_it_has_its_key()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var request = channel.CreateRequest();
        var created = await channel.CallAsync<CreateSessionResponse>(request);
        using var key = host.Certificate.Certificate.PublicKey.GetRSAPublicKey()!;
        Assert.Equal(Policy.SignatureUri, created.ServerSignature!.Algorithm);
        Assert.True(
            ProofOfPossession.Verify(key, Policy, request.ClientCertificate, request.ClientNonce, created.ServerSignature.Signature)
        );
        Assert.True(created.ServerNonce!.Length >= 32);
    }

    [Fact]
    public async Task The_endpoints_of_a_session_are_those_of_discovery_with_the_clients_own_address()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var found = await channel.CallAsync<GetEndpointsResponse>(
            new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = "opc.tcp://somewhere:4840/path" }
        );
        Assert.Equal(found.Endpoints!.Select(Comparable), created.ServerEndpoints!.Select(Comparable));
        Assert.All(found.Endpoints!, endpoint => Assert.Equal("opc.tcp://somewhere:4840/path", endpoint.EndpointUrl));
        Assert.All(found.Endpoints!, endpoint => Assert.Equal(host.Certificate.Der, endpoint.ServerCertificate));
        Assert.Equal(
            found.Endpoints!.Select(e => e.SecurityPolicyUri).Distinct().Count() * 2,
            found.Endpoints!.SelectMany(e => e.UserIdentityTokens!).Select(t => t.PolicyId).Distinct().Count()
        );

        static object Comparable(EndpointDescription e) =>
            (
                e.EndpointUrl,
                e.SecurityMode,
                e.SecurityPolicyUri,
                e.TransportProfileUri,
                e.SecurityLevel,
                e.Server!.ApplicationUri,
                string.Join(';', e.UserIdentityTokens!.Select(t => (t.PolicyId, t.TokenType, t.SecurityPolicyUri)))
            );
    }

    [Fact]
    public async Task A_session_needs_the_certificate_of_its_channel_and_of_its_application()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        Assert.Equal(StatusCodes.BadCertificateUriInvalid, await channel.FaultAsync(channel.CreateRequest(uri: "urn:test:other")));
        var shortNonce = new CreateSessionRequest
        {
            RequestHeader = new RequestHeader(),
            ClientDescription = new ApplicationDescription { ApplicationUri = "urn:test:client" },
            ClientCertificate = OpcUaHost.ClientCertificate.RawData,
            ClientNonce = new byte[31],
        };
        Assert.Equal(StatusCodes.BadNonceInvalid, await channel.FaultAsync(shortNonce));
        var other = new CreateSessionRequest
        {
            RequestHeader = new RequestHeader(),
            ClientDescription = new ApplicationDescription { ApplicationUri = "urn:test:client" },
            ClientCertificate = OpcUaHost.DeviceCertificate.RawData,
            ClientNonce = new byte[32],
        };
        Assert.Equal(StatusCodes.BadCertificateInvalid, await channel.FaultAsync(other));
    }

    [Fact]
    public async Task A_session_is_activated_by_the_client_that_has_made_it_alone()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var token = channel.PasswordToken(created, created.ServerNonce!);
        var forged = channel.ActivateRequest(created, RandomNumberGenerator.GetBytes(32), token);
        Assert.Equal(StatusCodes.BadApplicationSignatureInvalid, await channel.FaultAsync(forged));

        // Not first on another channel, were it of the same client.
        await using var second = await TestChannel.OpenAsync(host, Policy, Mode);
        var elsewhere = second.ActivateRequest(created, created.ServerNonce!, token);
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await second.FaultAsync(elsewhere));
    }

    [Fact]
    public async Task A_session_goes_on_over_another_channel_after_a_cut()
    {
        await using var host = await OpcUaHost.StartAsync();
        var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        var activated = await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce));
        await channel.DisposeAsync();

        await using var second = await TestChannel.OpenAsync(host, Policy, Mode);
        second.SessionToken = created.AuthenticationToken;
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await second.FaultAsync(new CancelRequest { RequestHeader = second.Header() }));

        // The nonce is the last one: an earlier one is used up.
        var replayed = second.ActivateRequest(created, nonce, second.PasswordToken(created, nonce));
        Assert.Equal(StatusCodes.BadApplicationSignatureInvalid, await second.FaultAsync(replayed));
        nonce = activated.ServerNonce!;
        await second.ActivateAsync(created, nonce, second.PasswordToken(created, nonce));
        await second.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = second.Header() });
        Assert.Single(SessionsOf(host).All);
    }

    [Fact]
    public async Task A_session_is_not_taken_over_by_another_client_or_user()
    {
        await using var host = await OpcUaHost.StartAsync();
        using var otherClient = TestAuthority.SelfSigned("CN=Other");
        host.Trust(otherClient);
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        nonce = (await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce))).ServerNonce!;

        await using var thief = await TestChannel.OpenAsync(host, Policy, Mode, otherClient);
        var stolen = thief.ActivateRequest(created, nonce, thief.PasswordToken(created, nonce));
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await thief.FaultAsync(stolen));

        await using var second = await TestChannel.OpenAsync(host, Policy, Mode);
        var changed = second.ActivateRequest(created, nonce, second.PasswordToken(created, nonce, "press-2@acme"));
        Assert.Equal(StatusCodes.BadIdentityChangeNotSupported, await second.FaultAsync(changed));

        // On its own channel the user may change, and the tenant not.
        var foreign = channel.ActivateRequest(created, nonce, channel.PasswordToken(created, nonce, "press-1@other"));
        Assert.Equal(StatusCodes.BadIdentityChangeNotSupported, await channel.FaultAsync(foreign));
        await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce, OpcUaHost.User));
    }

    [Fact]
    public async Task A_session_that_is_used_before_it_is_activated_is_lost()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CreateSessionAsync();
        Assert.Equal(StatusCodes.BadSessionNotActivated, await channel.FaultAsync(new CancelRequest { RequestHeader = channel.Header() }));
        var token = channel.PasswordToken(created, created.ServerNonce!);
        Assert.Equal(
            StatusCodes.BadSessionIdInvalid,
            await channel.FaultAsync(channel.ActivateRequest(created, created.ServerNonce!, token))
        );
    }

    [Fact]
    public async Task A_closed_session_is_unknown()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        await channel.SignInAsync();
        await channel.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = channel.Header() });
        Assert.Equal(StatusCodes.BadSessionIdInvalid, await channel.FaultAsync(new CancelRequest { RequestHeader = channel.Header() }));
        Assert.Equal(
            StatusCodes.BadSessionIdInvalid,
            await channel.FaultAsync(new CloseSessionRequest { RequestHeader = channel.Header() })
        );
    }

    [Fact]
    public async Task A_session_that_is_not_used_or_not_activated_ends()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await OpcUaHost.StartAsync(time: time);
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        await channel.SignInAsync();
        await using var second = await TestChannel.OpenAsync(host, Policy, Mode);
        await second.CreateSessionAsync();
        var sessions = SessionsOf(host);
        Assert.Equal(2, sessions.Count);
        time.Advance(TimeSpan.FromSeconds(11));
        sessions.Sweep();
        Assert.Equal(1, sessions.Count);
        time.Advance(TimeSpan.FromSeconds(50));
        sessions.Sweep();
        Assert.Equal(0, sessions.Count);
        Assert.Equal(1, sessions.TimedOut);
    }

    [Theory]
    [InlineData(0, 3_600_000)]
    [InlineData(-1, 3_600_000)]
    [InlineData(double.NaN, 3_600_000)]
    [InlineData(double.PositiveInfinity, 3_600_000)]
    [InlineData(1, 10_000)]
    [InlineData(60_000, 60_000)]
    public async Task The_timeout_is_revised_into_what_is_allowed(double asked, double revised)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        Assert.Equal(revised, (await channel.CreateSessionAsync(asked)).RevisedSessionTimeout);
    }

    [Fact]
    public async Task Sessions_that_nobody_signs_in_to_make_room_and_others_do_not()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxSessions = 2;
        });
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SignInAsync();
        for (var i = 0; i < 5; i++)
            await channel.CreateSessionAsync();
        Assert.Equal(2, SessionsOf(host).Count);
        await using var second = await TestChannel.OpenAsync(host);
        await second.SignInAsync();
        await using var third = await TestChannel.OpenAsync(host);
        Assert.Equal(StatusCodes.BadTooManySessions, await third.FaultAsync(third.CreateRequest()));
    }

    [Fact]
    public async Task A_tenant_has_its_share_of_the_sessions()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxSessionsPerTenant = 1;
        });
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SignInAsync();
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        var same = channel.ActivateRequest(created, nonce, channel.PasswordToken(created, nonce));
        Assert.Equal(StatusCodes.BadTooManySessions, await channel.FaultAsync(same));
        await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce, "press-1@other"));
    }

    [Fact]
    public async Task Without_security_there_is_discovery_alone()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        var found = await channel.CallAsync<FindServersResponse>(
            new FindServersRequest { RequestHeader = new RequestHeader(), EndpointUrl = host.Url }
        );
        Assert.Equal("urn:test:server", Assert.Single(found.Servers!).ApplicationUri);
        var endpoints = await channel.CallAsync<GetEndpointsResponse>(
            new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = host.Url }
        );
        Assert.DoesNotContain(endpoints.Endpoints!, endpoint => endpoint.SecurityMode == MessageSecurityMode.None);
        Assert.Equal(StatusCodes.BadSecurityPolicyRejected, await channel.FaultAsync(channel.CreateRequest()));
    }

    [Fact]
    public async Task A_user_who_is_gone_does_not_stay_signed_in()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await OpcUaHost.StartAsync(time: time);
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        await channel.SignInAsync(OpcUaHost.User, timeout: 3_600_000);
        var renewal = new SessionRenewal(
            SessionsOf(host),
            host.Services.GetRequiredService<Insa.Iiot.Protocols.OpcUa.Server.ServiceTable>(),
            time,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<SessionRenewal>.Instance,
            host
        );
        host.UserPermissions = ["commands:execute"];
        time.Advance(TimeSpan.FromSeconds(59));
        await renewal.RunAsync(default);
        Assert.True(Assert.Single(SessionsOf(host).All).ActiveIdentity.May(SessionPermissions.ReadTelemetry));
        time.Advance(TimeSpan.FromSeconds(2));
        await renewal.RunAsync(default);
        Assert.True(Assert.Single(SessionsOf(host).All).ActiveIdentity.May(SessionPermissions.ExecuteCommands));
        Assert.False(Assert.Single(SessionsOf(host).All).ActiveIdentity.May(SessionPermissions.ReadTelemetry));
        host.UserPermissions = null;
        time.Advance(TimeSpan.FromSeconds(61));
        await renewal.RunAsync(default);
        Assert.True(SpinWait.SpinUntil(() => SessionsOf(host).Count == 0, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_response_is_no_larger_than_the_client_of_the_session_takes()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.CallAsync<CreateSessionResponse>(channel.CreateRequest(maxResponse: 4000));
        await channel.ActivateAsync(created, created.ServerNonce!, channel.PasswordToken(created, created.ServerNonce!));
        var request = new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = host.Url };
        Assert.Equal(StatusCodes.BadResponseTooLarge, await channel.FaultAsync(request));
        await channel.CallAsync<FindServersResponse>(
            new FindServersRequest { RequestHeader = new RequestHeader(), EndpointUrl = host.Url }
        );
    }

    [Fact]
    public async Task No_password_gets_into_the_log()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, Mode);
        var created = await channel.SignInAsync();
        var token = Convert.ToHexString(created.AuthenticationToken.AsView().Identifier);
        Assert.All(
            host.Logs.Collector.GetSnapshot(),
            record =>
            {
                Assert.DoesNotContain(OpcUaHost.Password, record.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(token, record.Message, StringComparison.OrdinalIgnoreCase);
            }
        );
    }

    private static SessionTable SessionsOf(OpcUaHost host) => host.Services.GetRequiredService<SessionTable>();
}
