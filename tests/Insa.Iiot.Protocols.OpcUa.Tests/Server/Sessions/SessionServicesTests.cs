using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Server.Sessions;

/// <summary>CreateSession, ActivateSession, CloseSession and Cancel in the cases that few clients make use of.</summary>
public sealed class SessionServicesTests
{
    private static readonly SecurityPolicy Policy = SecurityPolicy.Basic256Sha256;

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, true, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, false)]
    public async Task Without_security_certificates_and_nonces_are_of_no_matter(bool hasNonce, bool hasCertificate, bool isCertificate)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        var created = await channel.CallAsync<CreateSessionResponse>(
            new CreateSessionRequest
            {
                RequestHeader = new RequestHeader(),
                ClientDescription = new ApplicationDescription { ApplicationUri = "urn:of:another" },
                ClientNonce = hasNonce ? new byte[32] : null,
                ClientCertificate =
                    !hasCertificate ? null
                    : isCertificate ? OpcUaHost.ClientCertificate.RawData
                    : [1, 2, 3],
            }
        );
        channel.SessionToken = created.AuthenticationToken;
        await channel.ActivateAsync(created, created.ServerNonce!, channel.PasswordToken(created, created.ServerNonce!));
        Assert.Equal(0u, await CancelAsync(channel, 7));
    }

    [Fact]
    public async Task Sessions_may_have_the_same_name_and_one_without_a_name_is_given_one()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        for (var i = 0; i < 5; i++)
            await channel.SignInAsync();
        foreach (var name in (string?[])[null, ""])
        {
            await channel.CallAsync<CreateSessionResponse>(
                new CreateSessionRequest
                {
                    RequestHeader = new RequestHeader(),
                    ClientDescription = new ApplicationDescription(),
                    SessionName = name,
                }
            );
        }

        var sessions = host.Services.GetRequiredService<SessionTable>().All.ToList();
        Assert.Equal(5, sessions.Count(session => session.Name == "test"));
        Assert.Equal(2, sessions.Count(session => session.Name == $"Session {session.Id}"));
        Assert.Equal(7, sessions.Select(session => session.Id).Distinct().Count());
    }

    [Fact]
    public async Task Fifty_clients_have_a_session_each_and_a_hundred_come_one_after_the_other()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        var channels = new List<TestChannel>();
        for (var i = 0; i < 50; i++)
        {
            channels.Add(await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt));
            await channels[i].SignInAsync();
        }

        foreach (var channel in channels)
            Assert.Equal(0u, await CancelAsync(channel, 1));
        await using var one = await TestChannel.OpenAsync(host);
        for (var i = 0; i < 100; i++)
        {
            await one.SignInAsync();
            await one.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = one.Header() });
        }

        Assert.Equal(50, host.Services.GetRequiredService<SessionTable>().Count);
        foreach (var channel in channels)
            await channel.DisposeAsync();
    }

    [Fact]
    public async Task The_clients_languages_are_kept_in_its_order()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        var created = await channel.CreateSessionAsync();
        var request = channel.ActivateRequest(created, [], channel.PasswordToken(created, created.ServerNonce!));
        await channel.CallAsync<ActivateSessionResponse>(
            new ActivateSessionRequest
            {
                RequestHeader = request.RequestHeader,
                ClientSignature = request.ClientSignature,
                LocaleIds = ["de-AT", "fr", "en", "no language"],
                UserIdentityToken = request.UserIdentityToken,
                UserTokenSignature = request.UserTokenSignature,
            }
        );
        var session = Assert.Single(host.Services.GetRequiredService<SessionTable>().All);
        Assert.Equal(["de-AT", "fr", "en", "no language"], session.Locales);
    }

    [Fact]
    public async Task A_token_in_the_header_of_a_request_for_a_session_is_of_no_matter()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        var first = await channel.SignInAsync();
        var second = await channel.CallAsync<CreateSessionResponse>(
            new CreateSessionRequest { RequestHeader = channel.Header(), ClientDescription = new ApplicationDescription() }
        );
        Assert.NotEqual(first.SessionId, second.SessionId);
        Assert.NotEqual(first.AuthenticationToken, second.AuthenticationToken);
        Assert.Equal(0u, await CancelAsync(channel, 1));
    }

    [Fact]
    public async Task A_nonce_is_good_for_one_session()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var request = channel.CreateRequest();
        await channel.CallAsync<CreateSessionResponse>(request);
        Assert.Equal(StatusCodes.BadNonceInvalid, await channel.FaultAsync(request));
        await channel.CallAsync<CreateSessionResponse>(channel.CreateRequest());
    }

    [Fact]
    public async Task A_session_needs_a_certificate_and_a_signature_where_there_is_security()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var request = channel.CreateRequest();
        foreach (var certificate in (byte[]?[])[null, []])
        {
            var without = new CreateSessionRequest
            {
                RequestHeader = request.RequestHeader,
                ClientDescription = request.ClientDescription,
                ClientNonce = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32),
                ClientCertificate = certificate,
            };
            Assert.Equal(StatusCodes.BadCertificateInvalid, await channel.FaultAsync(without));
        }

        var created = await channel.CreateSessionAsync();
        var signed = channel.ActivateRequest(created, created.ServerNonce!, channel.PasswordToken(created, created.ServerNonce!));
        foreach (
            var signature in (SignatureData[])
                [new(), new() { Algorithm = Policy.SignatureUri }, new() { Algorithm = Policy.SignatureUri, Signature = [] }]
        )
        {
            var unsigned = new ActivateSessionRequest
            {
                RequestHeader = signed.RequestHeader,
                ClientSignature = signature,
                UserIdentityToken = signed.UserIdentityToken,
                UserTokenSignature = signed.UserTokenSignature,
            };
            Assert.Equal(StatusCodes.BadApplicationSignatureInvalid, await channel.FaultAsync(unsigned));
        }
    }

    [Fact]
    public async Task A_session_that_never_was_cannot_be_closed_or_used()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        foreach (var token in (NodeId[])[default, NodeId.Of(7), NodeId.OfOpaque(0, new byte[32])])
        {
            channel.SessionToken = token;
            Assert.Equal(
                StatusCodes.BadSessionIdInvalid,
                await channel.FaultAsync(new CloseSessionRequest { RequestHeader = channel.Header() })
            );
            Assert.Equal(StatusCodes.BadSessionIdInvalid, await channel.FaultAsync(new ReadRequest { RequestHeader = channel.Header() }));
        }
    }

    [Fact]
    public async Task A_session_that_went_to_another_channel_is_not_to_be_used_on_the_one_before()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var first = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        var created = await first.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        nonce = (await first.ActivateAsync(created, nonce, first.PasswordToken(created, nonce))).ServerNonce!;

        await using var second = await TestChannel.OpenAsync(host, Policy, MessageSecurityMode.SignAndEncrypt);
        second.SessionToken = created.AuthenticationToken;
        nonce = (await second.ActivateAsync(created, nonce, second.PasswordToken(created, nonce))).ServerNonce!;
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await first.FaultAsync(new CancelRequest { RequestHeader = first.Header() }));
        Assert.Equal(
            StatusCodes.BadSecureChannelIdInvalid,
            await first.FaultAsync(new CloseSessionRequest { RequestHeader = first.Header() })
        );

        // And it may come back.
        await first.ActivateAsync(created, nonce, first.PasswordToken(created, nonce));
        Assert.Equal(0u, await CancelAsync(first, 1));
    }

    [Fact]
    public async Task Cancel_takes_back_what_waits_and_counts_it()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SignInAsync();
        await channel.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = channel.Header(),
                RequestedPublishingInterval = 3_600_000,
                RequestedMaxKeepAliveCount = 100,
                RequestedLifetimeCount = 1000,
            }
        );
        foreach (var handle in (uint[])[50, 51, 51])
            await channel.SendAsync(new PublishRequest { RequestHeader = channel.Header(handle) });
        await channel.SendAsync(new CancelRequest { RequestHeader = channel.Header(60), RequestHandle = 51 });
        for (var i = 0; i < 2; i++)
        {
            var fault = TestChannel.Decode<ServiceFault>(await channel.ReadMessageAsync()).ResponseHeader;
            Assert.Equal((51u, StatusCodes.BadRequestCancelledByClient), (fault.RequestHandle, fault.ServiceResult));
        }

        Assert.Equal(2u, TestChannel.Decode<CancelResponse>(await channel.ReadMessageAsync()).CancelCount);

        // What is answered, or never was, is nothing to take back.
        Assert.Equal(0u, await CancelAsync(channel, 51));
        Assert.Equal(0u, await CancelAsync(channel, 12345));
    }

    [Fact]
    public async Task Another_user_goes_on_with_the_session_and_its_subscriptions()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(host);
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        nonce = (await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce))).ServerNonce!;
        await channel.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = channel.Header(),
                RequestedPublishingInterval = 50,
                RequestedMaxKeepAliveCount = 1,
                RequestedLifetimeCount = 1000,
                PublishingEnabled = true,
            }
        );

        // The same once more; one who is not let in, which changes nothing; then another.
        nonce = (await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce))).ServerNonce!;
        var wrong = channel.ActivateRequest(created, nonce, channel.PasswordToken(created, nonce, OpcUaHost.User, ""));
        Assert.Equal(StatusCodes.BadIdentityTokenRejected, await channel.FaultAsync(wrong));
        Assert.NotNull(Assert.Single(host.Services.GetRequiredService<SessionTable>().All).ActiveIdentity.Device);
        await PublishAsync(channel);
        await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce, OpcUaHost.User));
        await PublishAsync(channel);
        var session = Assert.Single(host.Services.GetRequiredService<SessionTable>().All);
        Assert.Equal("1", session.ActiveIdentity.User!.UserId);
        Assert.Equal(["press-1", OpcUaHost.User], session.UserHistory);
    }

    [Fact]
    public async Task What_another_user_may_not_read_stops()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        var acme = TenantId.Parse("acme");
        host.Registry.Add(acme, new Device { Id = DeviceId.Parse("press-1"), CreatedAt = DateTime.UnixEpoch });
        host.Latest.Add(acme, DeviceId.Parse("press-1"), new TelemetryPoint("temp", DateTime.UnixEpoch, TelemetryValue.Of(21.5), default));
        await using var channel = await TestChannel.OpenAsync(host);
        var created = await channel.CreateSessionAsync();
        var nonce = created.ServerNonce!;
        nonce = (await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce))).ServerNonce!;
        await MonitorAsync(channel, NodeId.OfString(3, "press-1/temp"));
        Assert.Equal(Variant.Of(21.5), (await NextAsync(channel)).Value);

        host.UserPermissions = ["devices:read"];
        nonce = (await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce, OpcUaHost.User))).ServerNonce!;
        var denied = await NextAsync(channel);
        Assert.Equal((StatusCodes.BadUserAccessDenied, true), (denied.Status, denied.Value.IsNull));

        await channel.ActivateAsync(created, nonce, channel.PasswordToken(created, nonce));
        Assert.Equal(Variant.Of(21.5), (await NextAsync(channel)).Value);
    }

    [Fact]
    public async Task What_a_user_may_not_read_any_more_stops()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true, time);
        var acme = TenantId.Parse("acme");
        host.Registry.Add(acme, new Device { Id = DeviceId.Parse("press-1"), CreatedAt = DateTime.UnixEpoch });
        host.Latest.Add(acme, DeviceId.Parse("press-1"), new TelemetryPoint("temp", DateTime.UnixEpoch, TelemetryValue.Of(21.5), default));
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SignInAsync(OpcUaHost.User, timeout: 3_600_000);
        await MonitorAsync(channel, NodeId.OfString(3, "press-1/temp"));
        await channel.SendAsync(new PublishRequest { RequestHeader = channel.Header() });
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Variant.Of(21.5), ValueOf(await channel.ReadMessageAsync()).Value);

        host.UserPermissions = ["devices:read"];
        await channel.SendAsync(new PublishRequest { RequestHeader = channel.Header() });
        for (var i = 0; i < 70; i++)
            time.Advance(TimeSpan.FromSeconds(1));
        var reading = channel.ReadMessageAsync();
        await host.Services.GetRequiredService<SessionRenewal>().RunAsync(TestContext.Current.CancellationToken);
        var deadline = System.Diagnostics.Stopwatch.StartNew();
        while (!SpinWait.SpinUntil(() => reading.IsCompleted, TimeSpan.FromMilliseconds(20)) && deadline.Elapsed < TimeSpan.FromSeconds(30))
            time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(StatusCodes.BadUserAccessDenied, ValueOf(await reading).Status);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task A_channel_without_security_opens_whatever_it_is_opened_with(bool hasNonce, bool hasCertificate)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        await channel.HelloAsync(host.Url);
        var body = TestChannel.Encode(
            new OpenSecureChannelRequest
            {
                RequestHeader = new RequestHeader(),
                SecurityMode = MessageSecurityMode.None,
                ClientNonce = hasNonce ? [1, 2, 3] : null,
                RequestedLifetime = 60_000,
            }
        );
        await channel.SendRawAsync(
            TestChannel.Frame(
                "OPNF",
                (ref UaWriter writer) =>
                {
                    writer.UInt32(0);
                    writer.String(SecurityPolicy.None.Uri);
                    writer.ByteString(hasCertificate ? [9, 9, 9] : null);
                    writer.ByteString(hasCertificate ? new byte[20] : null);
                    writer.UInt32(++channel.Sequence);
                    writer.UInt32(1);
                    writer.Bytes(body);
                }
            )
        );
        await channel.ReadOpenAsync(null);
        await channel.CallAsync<GetEndpointsResponse>(new GetEndpointsRequest { RequestHeader = new RequestHeader() });
    }

    private static async Task<uint> CancelAsync(TestChannel channel, uint handle) =>
        (
            await channel.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = channel.Header(), RequestHandle = handle })
        ).CancelCount;

    private static async Task MonitorAsync(TestChannel channel, NodeId node)
    {
        var subscription = await channel.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = channel.Header(),
                RequestedPublishingInterval = 50,
                RequestedMaxKeepAliveCount = 1_000_000,
                RequestedLifetimeCount = 10_000_000,
                PublishingEnabled = true,
            }
        );
        await channel.CallAsync<CreateMonitoredItemsResponse>(
            new CreateMonitoredItemsRequest
            {
                RequestHeader = channel.Header(),
                SubscriptionId = subscription.SubscriptionId,
                ItemsToCreate =
                [
                    new MonitoredItemCreateRequest
                    {
                        ItemToMonitor = new ReadValueId { NodeId = node, AttributeId = 13 },
                        MonitoringMode = MonitoringMode.Reporting,
                        RequestedParameters = new MonitoringParameters { QueueSize = 1 },
                    },
                ],
            }
        );
    }

    private static async Task<DataValue> NextAsync(TestChannel channel)
    {
        await channel.SendAsync(new PublishRequest { RequestHeader = channel.Header() });
        return ValueOf(await channel.ReadMessageAsync());
    }

    private static DataValue ValueOf(byte[] message)
    {
        var response = TestChannel.Decode<PublishResponse>(message);
        var data = Assert.Single(response.NotificationMessage.NotificationData!);
        var reader = new UaReader(data.Bytes, EncodingLimits.Default);
        return Assert.Single(DataChangeNotification.Decode(ref reader).MonitoredItems!).Value;
    }

    private static async Task PublishAsync(TestChannel channel)
    {
        var response = await channel.CallAsync<PublishResponse>(new PublishRequest { RequestHeader = channel.Header() });
        Assert.NotEqual(0u, response.SubscriptionId);
    }
}
