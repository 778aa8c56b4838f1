using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

/// <summary>The diagnostics of sessions and subscriptions (OPC 10000-5 §6.3), by a client of the server.</summary>
public sealed class DiagnosticsTests
{
    private const uint Summary = NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary;
    private const uint EnabledFlag = NodeIds.Server_ServerDiagnostics_EnabledFlag;
    private const uint Sessions = NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary;
    private const uint SessionArray = NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray;
    private const uint SecurityArray = NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray;
    private const uint SubscriptionArray = NodeIds.Server_ServerDiagnostics_SubscriptionDiagnosticsArray;

    private static readonly uint[] SummaryCounters =
    [
        .. Enumerable.Range((int)NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_ServerViewCount, 4).Select(id => (uint)id),
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_RejectedSessionCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SessionTimeoutCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SessionAbortCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_PublishingIntervalCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSubscriptionCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CumulatedSubscriptionCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_SecurityRejectedRequestsCount,
        NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_RejectedRequestsCount,
    ];

    [Fact]
    public async Task The_summary_and_its_variables_say_the_same()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        var summary = await SummaryAsync(client);
        Assert.Equal((1u, 1u), (summary.CurrentSessionCount, summary.CumulatedSessionCount));
        var values = new List<uint>();
        foreach (var id in SummaryCounters)
            values.Add((await ReadAsync(client, NodeId.Of(id))).Value.UInt32());
        Assert.Equal([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], values);
        Assert.Equal("ServerDiagnostics", (await BrowseNameAsync(client, NodeId.Of(NodeIds.Server_ServerDiagnostics))).Name);
        Assert.Empty(
            (
                await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerDiagnostics_SamplingIntervalDiagnosticsArray))
            ).Value.Array<ExtensionObject>()
        );
    }

    [Theory]
    [InlineData(true, 50, "StandardUA2017")]
    [InlineData(true, 49, "EmbeddedUA2017")]
    [InlineData(false, 50, "MicroEmbeddedDevice2017")]
    public async Task The_profiles_that_are_told_are_those_that_are_kept(bool hasPolicy, int sessions, string profile)
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.MaxSessionsPerTenant = sessions;
            if (!hasPolicy)
                options.SecurityPolicies.Remove(OpcUaSecurityPolicy.Basic256Sha256);
        });
        await using var client = await TestChannel.OpenAsync(host, SecurityPolicy.Aes256Sha256RsaPss, MessageSecurityMode.SignAndEncrypt);
        await client.SignInAsync();
        Assert.Equal(
            [
                $"http://opcfoundation.org/UA-Profile/Server/{profile}",
                "http://opcfoundation.org/UA-Profile/Server/Methods",
                "http://opcfoundation.org/UA-Profile/Server/ClientRedundancy",
            ],
            (await ReadAsync(client, NodeId.Of(NodeIds.Server_ServerCapabilities_ServerProfileArray))).Value.Array<string>()
        );
    }

    [Fact]
    public async Task Sessions_come_and_go_in_the_summary()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await using (var other = await SignInAsync(host, OpcUaHost.User))
        {
            var both = await SummaryAsync(client);
            Assert.Equal((2u, 2u), (both.CurrentSessionCount, both.CumulatedSessionCount));
            await other.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = other.Header() });
        }

        var one = await SummaryAsync(client);
        Assert.Equal(
            (1u, 2u, 0u, 0u),
            (one.CurrentSessionCount, one.CumulatedSessionCount, one.SessionAbortCount, one.SessionTimeoutCount)
        );
    }

    [Fact]
    public async Task A_session_that_times_out_and_one_that_is_taken_away_are_counted()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await OpcUaHost.StartAsync(time: time);
        await using var client = await SignInAsync(host);
        await using var quiet = await SignInAsync(host, timeout: 10_000);
        await using var removed = await SignInAsync(host, OpcUaHost.User, timeout: 600_000);
        time.Advance(TimeSpan.FromSeconds(11));
        var sessions = host.Services.GetRequiredService<SessionTable>();
        sessions.Sweep();
        await Until(async () => (await SummaryAsync(client)).SessionTimeoutCount == 1);

        host.UserPermissions = null;
        time.Advance(TimeSpan.FromSeconds(40));
        await SummaryAsync(client);
        time.Advance(TimeSpan.FromSeconds(15));
        await host.Services.GetRequiredService<SessionRenewal>().RunAsync(TestContext.Current.CancellationToken);
        await Until(async () => (await SummaryAsync(client)).SessionAbortCount == 1);
        Assert.Equal(1u, (await SummaryAsync(client)).CurrentSessionCount);
    }

    [Fact]
    public async Task Who_is_not_let_in_is_counted_for_the_tenant_that_was_named()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.MaxSessionsPerTenant = 2);
        await using var client = await SignInAsync(host);
        await using var globex = await SignInAsync(host, "press-1@globex");
        await using (var wrong = await OpenAsync(host))
        {
            var created = await wrong.CreateSessionAsync();
            var token = wrong.PasswordToken(created, created.ServerNonce!, password: "wrong");
            Assert.Equal(
                StatusCodes.BadIdentityTokenRejected,
                await wrong.FaultAsync(wrong.ActivateRequest(created, created.ServerNonce!, token))
            );
        }

        await using var second = await SignInAsync(host);
        await using (var third = await OpenAsync(host))
        {
            var created = await third.CreateSessionAsync();
            var token = third.PasswordToken(created, created.ServerNonce!);
            Assert.Equal(
                StatusCodes.BadTooManySessions,
                await third.FaultAsync(third.ActivateRequest(created, created.ServerNonce!, token))
            );
        }

        var summary = await SummaryAsync(client);
        Assert.Equal((2u, 1u), (summary.RejectedSessionCount, summary.SecurityRejectedSessionCount));
        Assert.Equal(0u, (await SummaryAsync(globex)).RejectedSessionCount);
    }

    [Fact]
    public async Task Every_session_has_an_object_named_by_its_id()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await using var other = await SignInAsync(host);
        var objects = await BrowseAsync(client, NodeId.Of(Sessions), NodeClass.Object);
        Assert.Equal(2, objects.Length);
        Assert.Contains(objects, node => node.NodeId.NodeId == client.SessionId);
        var own = objects.Single(node => node.NodeId.NodeId == client.SessionId);
        Assert.Equal(new QualifiedName(1, "test"), own.BrowseName);
        Assert.Equal(NodeId.Of(NodeIds.SessionDiagnosticsObjectType), own.TypeDefinition.NodeId);

        var members = await BrowseAsync(client, own.NodeId.NodeId, NodeClass.Variable);
        Assert.Equal(
            ["SessionDiagnostics", "SessionSecurityDiagnostics", "SubscriptionDiagnosticsArray"],
            members.Select(member => member.BrowseName.Name).Order()
        );
        var back = await BrowseAsync(client, own.NodeId.NodeId, NodeClass.Object, BrowseDirection.Inverse);
        Assert.Equal(NodeId.Of(Sessions), Assert.Single(back).NodeId.NodeId);
        var variable = members.Single(member => member.BrowseName.Name == "SessionDiagnostics");
        var arrays = await BrowseAsync(client, variable.NodeId.NodeId, NodeClass.Variable, BrowseDirection.Inverse);
        Assert.Equal(NodeId.Of(SessionArray), Assert.Single(arrays).NodeId.NodeId);
        Assert.Contains(await BrowseAsync(client, NodeId.Of(SessionArray), NodeClass.Variable), node => node.NodeId == variable.NodeId);

        await other.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = other.Header() });
        Assert.Single(await BrowseAsync(client, NodeId.Of(Sessions), NodeClass.Object));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(client, other.SessionId, AttributeId.DisplayName)).Status);
    }

    [Fact]
    public async Task Every_variable_of_a_session_says_what_the_structure_says()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host, OpcUaHost.User, permissions: "tenant:admin");
        await CreateSubscriptionAsync(client);
        var compared = 0;
        foreach (var member in await BrowseAsync(client, client.SessionId, NodeClass.Variable))
        {
            var whole = (await ReadAsync(client, member.NodeId.NodeId)).Value;
            Assert.False(whole.IsNull);
            foreach (var part in await BrowseAsync(client, member.NodeId.NodeId, NodeClass.Variable))
            {
                var value = await ReadAsync(client, part.NodeId.NodeId);
                Assert.True(value.Status.IsGood, part.BrowseName.Name);
                Assert.Equal(
                    (byte)AccessLevels.CurrentRead,
                    (await ReadAsync(client, part.NodeId.NodeId, AttributeId.AccessLevel)).Value.Byte()
                );
                compared++;
            }
        }

        // 43 of the session, 9 of its security, and the subscription.
        Assert.Equal(43 + 9 + 1, compared);
        var session = Assert.Single(await SessionsAsync(client));
        Assert.Equal(session.SessionName, (await ReadPartAsync(client, "SessionDiagnostics", "SessionName")).Text);
        Assert.Equal(1u, (await ReadPartAsync(client, "SessionDiagnostics", "CurrentSubscriptionsCount")).UInt32());
        Assert.Equal("urn:test:server", (await ReadPartAsync(client, "SessionDiagnostics", "ServerUri")).Text);
        Assert.Equal(OpcUaHost.User, (await ReadPartAsync(client, "SessionSecurityDiagnostics", "ClientUserIdOfSession")).Text);
    }

    [Fact]
    public async Task Requests_of_a_session_are_counted_by_service()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        var before = Assert.Single(await SessionsAsync(client));
        await ReadAsync(client, NodeId.Of(2258));
        await BrowseAsync(client, NodeId.Of(85), NodeClass.Object);
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(new ReadRequest { RequestHeader = client.Header() }));
        Assert.Equal(
            StatusCodes.BadSubscriptionIdInvalid,
            await client.FaultAsync(new RepublishRequest { RequestHeader = client.Header(), SubscriptionId = 1 })
        );
        var after = Assert.Single(await SessionsAsync(client));
        Assert.Equal((3u, 1u), Difference(before.ReadCount, after.ReadCount));
        Assert.Equal((1u, 0u), Difference(before.BrowseCount, after.BrowseCount));
        Assert.Equal((1u, 1u), Difference(before.RepublishCount, after.RepublishCount));
        Assert.Equal((0u, 0u), Difference(before.WriteCount, after.WriteCount));
        Assert.Equal((5u, 2u), Difference(before.TotalRequestCount, after.TotalRequestCount));
        Assert.Equal(0u, after.UnauthorizedRequestCount);
        Assert.Equal((2u, 0u), await RejectedAsync(client));
    }

    [Fact]
    public async Task What_waits_and_is_watched_is_told_of_a_session()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await using var other = await SignInAsync(host);
        var subscription = await CreateSubscriptionAsync(other);
        await MonitorAsync(other, subscription, NodeId.Of(2267));
        await other.SendAsync(new PublishRequest { RequestHeader = other.Header() });
        await other.ReadMessageAsync();
        await other.SendAsync(new PublishRequest { RequestHeader = other.Header() });
        await other.SendAsync(new PublishRequest { RequestHeader = other.Header() });
        await Until(async () => (await SessionAsync(client, other)).CurrentPublishRequestsInQueue == 2);
        var told = await SessionAsync(client, other);
        Assert.Equal((1u, 1u, 3u), (told.CurrentSubscriptionsCount, told.CurrentMonitoredItemsCount, told.PublishCount.TotalCount));
    }

    [Fact]
    public async Task Who_uses_anothers_session_is_counted_as_unauthorized()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await using var thief = await OpenAsync(host);
        thief.SessionToken = client.SessionToken;
        Assert.Equal(StatusCodes.BadSecureChannelIdInvalid, await thief.FaultAsync(new ReadRequest { RequestHeader = thief.Header() }));
        Assert.Equal(1u, Assert.Single(await SessionsAsync(client)).UnauthorizedRequestCount);
        Assert.Equal((1u, 1u), await RejectedAsync(client));
    }

    [Fact]
    public async Task Services_that_are_not_offered_are_counted_too()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await client.SendRawAsync(client.Chunk(Unsupported(client, 488)));
        var fault = TestChannel.Decode<ServiceFault>(await client.ReadMessageAsync());
        Assert.Equal(StatusCodes.BadServiceUnsupported, fault.ResponseHeader!.ServiceResult);
        var told = Assert.Single(await SessionsAsync(client));
        Assert.Equal((1u, 1u), (told.AddNodesCount.TotalCount, told.AddNodesCount.ErrorCount));
    }

    [Fact]
    public async Task The_last_contact_is_the_last_request()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var host = await OpcUaHost.StartAsync(time: time);
        await using var client = await SignInAsync(host);
        await using var other = await SignInAsync(host);
        var from = UaDateTime.From(time.GetUtcNow());
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5).Ticks, (await SessionAsync(client, client)).ClientLastContactTime - from);
        Assert.Equal(0, (await SessionAsync(client, other)).ClientLastContactTime - from);
    }

    [Fact]
    public async Task Subscriptions_are_told_in_their_arrays_as_they_come_change_and_go()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var client = await SignInAsync(host);
        await using var other = await SignInAsync(host);
        Assert.Empty(await SubscriptionsAsync(client));
        var first = await CreateSubscriptionAsync(client, interval: 500);
        var second = await CreateSubscriptionAsync(other, interval: 1000);
        Assert.Equal(new[] { first, second }.Order(), (await SubscriptionsAsync(client)).Select(told => told.SubscriptionId).Order());
        var listed = await BrowseAsync(client, NodeId.Of(SubscriptionArray), NodeClass.Variable);
        Assert.Equal(2, listed.Length);
        Assert.Equal(
            first,
            (await ReadPartAsync(client, "SubscriptionDiagnosticsArray", first.ToString()))
                .Structure<SubscriptionDiagnosticsDataType>()
                .SubscriptionId
        );

        await client.CallAsync<ModifySubscriptionResponse>(
            new ModifySubscriptionRequest
            {
                RequestHeader = client.Header(),
                SubscriptionId = first,
                RequestedPublishingInterval = 1000,
                RequestedLifetimeCount = 100,
                RequestedMaxKeepAliveCount = 10,
                Priority = 9,
            }
        );
        await SetPublishingAsync(client, first, false);
        await SetPublishingAsync(client, first, true);
        await client.FaultAsync(
            new RepublishRequest
            {
                RequestHeader = client.Header(),
                SubscriptionId = first,
                RetransmitSequenceNumber = 3,
            }
        );
        await MonitorAsync(client, first, NodeId.Of(2267), MonitoringMode.Disabled);
        var told = (await SubscriptionsAsync(client)).Single(one => one.SubscriptionId == first);
        Assert.Equal((1000.0, (byte)9, 1u), (told.PublishingInterval, told.Priority, told.ModifyCount));
        Assert.Equal((1u, 1u, true), (told.EnableCount, told.DisableCount, told.PublishingEnabled));
        Assert.Equal((1u, 1u, 0u), (told.RepublishRequestCount, told.RepublishMessageRequestCount, told.RepublishMessageCount));
        Assert.Equal((1u, 1u), (told.MonitoredItemCount, told.DisabledMonitoredItemCount));

        var summary = await SummaryAsync(client);
        Assert.Equal((2u, 2u, 1u), (summary.CurrentSubscriptionCount, summary.CumulatedSubscriptionCount, summary.PublishingIntervalCount));
        await other.CallAsync<CloseSessionResponse>(new CloseSessionRequest { RequestHeader = other.Header(), DeleteSubscriptions = true });
        Assert.Single(await SubscriptionsAsync(client));
        summary = await SummaryAsync(client);
        Assert.Equal((1u, 2u), (summary.CurrentSubscriptionCount, summary.CumulatedSubscriptionCount));
    }

    [Fact]
    public async Task Security_is_told_to_those_who_administer_the_tenant_alone()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var device = await SignInAsync(host);
        await using var user = await SignInAsync(host, OpcUaHost.User);
        await using var admin = await SignInAsync(host, OpcUaHost.User, permissions: "tenant:admin");
        var variable = (await BrowseAsync(admin, device.SessionId, NodeClass.Variable)).Single(node =>
            node.BrowseName.Name == "SessionSecurityDiagnostics"
        );
        var part = (await BrowseAsync(admin, variable.NodeId.NodeId, NodeClass.Variable))[0].NodeId.NodeId;
        NodeId[] all = [NodeId.Of(SecurityArray), variable.NodeId.NodeId, part];
        foreach (var node in all)
        {
            Assert.Equal(StatusCodes.BadUserAccessDenied, (await ReadAsync(device, node)).Status);
            Assert.Equal(StatusCodes.BadUserAccessDenied, (await ReadAsync(user, node)).Status);
            Assert.Equal((byte)0, (await ReadAsync(user, node, AttributeId.UserAccessLevel)).Value.Byte());
            Assert.Equal(StatusCodes.Good, (await ReadAsync(admin, node)).Status);
        }

        var told = (await ReadAsync(admin, all[1])).Value.Structure<SessionSecurityDiagnosticsDataType>();
        Assert.Equal(
            ("press-1", "device", MessageSecurityMode.SignAndEncrypt),
            (told.ClientUserIdOfSession, told.AuthenticationMechanism, told.SecurityMode)
        );
        Assert.Equal(SecurityPolicy.Basic256Sha256.Uri, told.SecurityPolicyUri);
        Assert.Equal(device.Certificate!.RawData, told.ClientCertificate);
    }

    [Fact]
    public async Task A_tenant_sees_nothing_of_anothers_diagnostics()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var acme = await SignInAsync(host);
        await using var globex = await SignInAsync(host, "press-1@globex");
        var subscription = await CreateSubscriptionAsync(acme);
        var node = (await BrowseAsync(acme, NodeId.Of(SubscriptionArray), NodeClass.Variable))[0].NodeId.NodeId;
        Assert.Equal(subscription, (await ReadAsync(acme, node)).Value.Structure<SubscriptionDiagnosticsDataType>().SubscriptionId);

        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(globex, node)).Status);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(globex, acme.SessionId, AttributeId.DisplayName)).Status);
        Assert.Equal(globex.SessionId, Assert.Single(await SessionsAsync(globex)).SessionId);
        Assert.Equal(globex.SessionId, Assert.Single(await BrowseAsync(globex, NodeId.Of(Sessions), NodeClass.Object)).NodeId.NodeId);
        Assert.Empty(await SubscriptionsAsync(globex));
        Assert.Empty(await BrowseAsync(globex, NodeId.Of(SubscriptionArray), NodeClass.Variable));
        var summary = await SummaryAsync(globex);
        Assert.Equal((1u, 1u, 0u), (summary.CurrentSessionCount, summary.CumulatedSessionCount, summary.CurrentSubscriptionCount));
    }

    [Fact]
    public async Task Switched_off_diagnostics_are_not_readable_and_sessions_are_not_listed()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var admin = await SignInAsync(host, OpcUaHost.User, permissions: "tenant:admin");
        await using var globex = await SignInAsync(host, "press-1@globex");
        var part = (await BrowseAsync(admin, admin.SessionId, NodeClass.Variable))[0].NodeId.NodeId;
        Assert.Equal(StatusCodes.Good, await WriteAsync(admin, false));
        Assert.False((await ReadAsync(admin, NodeId.Of(EnabledFlag))).Value.Boolean);
        foreach (
            var id in (uint[])
                [
                    Summary,
                    .. SummaryCounters,
                    SessionArray,
                    SecurityArray,
                    SubscriptionArray,
                    NodeIds.Server_ServerDiagnostics_SamplingIntervalDiagnosticsArray,
                ]
        )
            Assert.Equal((id, StatusCodes.BadNotReadable), (id, (await ReadAsync(admin, NodeId.Of(id))).Status));
        Assert.Empty(await BrowseAsync(admin, NodeId.Of(Sessions), NodeClass.Object));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(admin, admin.SessionId, AttributeId.DisplayName)).Status);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await ReadAsync(admin, part)).Status);

        // Nobody else is affected.
        Assert.True((await ReadAsync(globex, NodeId.Of(EnabledFlag))).Value.Boolean);
        Assert.Equal(1u, (await SummaryAsync(globex)).CurrentSessionCount);

        Assert.Equal(StatusCodes.Good, await WriteAsync(admin, true));
        var summary = await SummaryAsync(admin);
        Assert.Equal((1u, 1u), (summary.CurrentSessionCount, summary.CumulatedSessionCount));
        Assert.Equal(0u, Assert.Single(await SessionsAsync(admin)).WriteCount.TotalCount);
    }

    [Fact]
    public async Task Whoever_watches_the_summary_is_told_that_it_is_switched_off()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var admin = await SignInAsync(host, OpcUaHost.User, permissions: "tenant:admin");
        var subscription = await CreateSubscriptionAsync(admin);
        await MonitorAsync(admin, subscription, NodeId.Of(NodeIds.Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSessionCount));
        Assert.Equal(Variant.Of(1u), (await NextAsync(admin)).Value);
        Assert.Equal(StatusCodes.Good, await WriteAsync(admin, false));
        Assert.Equal(StatusCodes.BadNotReadable, (await NextAsync(admin)).Status);
    }

    [Fact]
    public async Task The_switch_is_for_those_who_administer_the_tenant()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var device = await SignInAsync(host);
        await using var user = await SignInAsync(host, OpcUaHost.User);
        await using var admin = await SignInAsync(host, OpcUaHost.User, permissions: "tenant:admin");
        Assert.Equal(StatusCodes.BadUserAccessDenied, await WriteAsync(device, false));
        Assert.Equal(StatusCodes.BadUserAccessDenied, await WriteAsync(user, false));
        Assert.Equal((byte)1, (await ReadAsync(user, NodeId.Of(EnabledFlag), AttributeId.UserAccessLevel)).Value.Byte());
        Assert.Equal((byte)3, (await ReadAsync(user, NodeId.Of(EnabledFlag), AttributeId.AccessLevel)).Value.Byte());
        Assert.Equal((byte)3, (await ReadAsync(admin, NodeId.Of(EnabledFlag), AttributeId.UserAccessLevel)).Value.Byte());
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(admin, new DataValue(Variant.Of(1))));
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(admin, new DataValue(Variant.Of(new[] { false }))));
        Assert.Equal(StatusCodes.BadWriteNotSupported, await WriteAsync(admin, new DataValue(Variant.Of(false), SourceTimestamp: 1)));
        Assert.True((await ReadAsync(admin, NodeId.Of(EnabledFlag))).Value.Boolean);
    }

    [Fact]
    public void Counting_a_request_allocates_nothing()
    {
        var counters = new SessionCounters { Tenant = new TenantCounters() };
        count();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            count();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1001u, counters.Of(CountedService.Read).ErrorCount);

        void count()
        {
            counters.Received(CountedServices.Of(EncodingIds.ReadRequest));
            counters.Failed(CountedService.Read, StatusCodes.BadNothingToDo);
        }
    }

    private static async Task<TestChannel> OpenAsync(OpcUaHost host) =>
        await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);

    private static async Task<TestChannel> SignInAsync(
        OpcUaHost host,
        string user = OpcUaHost.Device,
        double timeout = 60_000,
        string? permissions = null
    )
    {
        var channel = await OpenAsync(host);
        host.UserPermissions = permissions is null ? ["telemetry:read", "devices:read"] : [permissions, "telemetry:read", "devices:read"];
        var created = await channel.SignInAsync(user, timeout: timeout);
        channel.SessionId = created.SessionId;
        return channel;
    }

    private static async Task<DataValue> ReadAsync(TestChannel client, NodeId node, AttributeId attribute = AttributeId.Value)
    {
        var response = await client.CallAsync<ReadResponse>(
            new ReadRequest
            {
                RequestHeader = client.Header(),
                TimestampsToReturn = TimestampsToReturn.Neither,
                NodesToRead = [new ReadValueId { NodeId = node, AttributeId = (uint)attribute }],
            }
        );
        return Assert.Single(response.Results!);
    }

    private static async Task<QualifiedName> BrowseNameAsync(TestChannel client, NodeId node) =>
        (await ReadAsync(client, node, AttributeId.BrowseName)).Value.QualifiedName();

    private static async Task<ReferenceDescription[]> BrowseAsync(
        TestChannel client,
        NodeId node,
        NodeClass nodeClass,
        BrowseDirection direction = BrowseDirection.Forward
    )
    {
        var response = await client.CallAsync<BrowseResponse>(
            new BrowseRequest
            {
                RequestHeader = client.Header(),
                View = new ViewDescription(),
                NodesToBrowse =
                [
                    new BrowseDescription
                    {
                        NodeId = node,
                        BrowseDirection = direction,
                        ReferenceTypeId = NodeId.Of(NodeIds.HierarchicalReferences),
                        IncludeSubtypes = true,
                        NodeClassMask = (uint)nodeClass,
                        ResultMask = 63,
                    },
                ],
            }
        );
        var result = Assert.Single(response.Results!);
        Assert.True(result.StatusCode.IsGood, result.StatusCode.ToString());
        return result.References!;
    }

    private static async Task<Variant> ReadPartAsync(TestChannel client, string variable, string part)
    {
        var members = await BrowseAsync(client, client.SessionId, NodeClass.Variable);
        var parts = await BrowseAsync(client, members.Single(node => node.BrowseName.Name == variable).NodeId.NodeId, NodeClass.Variable);
        return (await ReadAsync(client, parts.Single(node => node.BrowseName.Name == part).NodeId.NodeId)).Value;
    }

    private static async Task<ServerDiagnosticsSummaryDataType> SummaryAsync(TestChannel client) =>
        (await ReadAsync(client, NodeId.Of(Summary))).Value.Structure<ServerDiagnosticsSummaryDataType>();

    private static async Task<SessionDiagnosticsDataType[]> SessionsAsync(TestChannel client) =>
        (await ReadAsync(client, NodeId.Of(SessionArray))).Value.Structures<SessionDiagnosticsDataType>();

    private static async Task<SessionDiagnosticsDataType> SessionAsync(TestChannel client, TestChannel whose) =>
        (await SessionsAsync(client)).Single(session => session.SessionId == whose.SessionId);

    private static async Task<SubscriptionDiagnosticsDataType[]> SubscriptionsAsync(TestChannel client) =>
        (await ReadAsync(client, NodeId.Of(SubscriptionArray))).Value.Structures<SubscriptionDiagnosticsDataType>();

    private static async Task<(uint All, uint Security)> RejectedAsync(TestChannel client)
    {
        var summary = await SummaryAsync(client);
        return (summary.RejectedRequestsCount, summary.SecurityRejectedRequestsCount);
    }

    private static Task<StatusCode> WriteAsync(TestChannel client, bool value) => WriteAsync(client, new DataValue(Variant.Of(value)));

    private static async Task<StatusCode> WriteAsync(TestChannel client, DataValue value)
    {
        var response = await client.CallAsync<WriteResponse>(
            new WriteRequest
            {
                RequestHeader = client.Header(),
                NodesToWrite =
                [
                    new WriteValue
                    {
                        NodeId = NodeId.Of(EnabledFlag),
                        AttributeId = (uint)AttributeId.Value,
                        Value = value,
                    },
                ],
            }
        );
        return Assert.Single(response.Results!);
    }

    private static async Task<uint> CreateSubscriptionAsync(TestChannel client, double interval = 100)
    {
        var response = await client.CallAsync<CreateSubscriptionResponse>(
            new CreateSubscriptionRequest
            {
                RequestHeader = client.Header(),
                RequestedPublishingInterval = interval,
                RequestedLifetimeCount = 1000,
                RequestedMaxKeepAliveCount = 100,
                PublishingEnabled = true,
            }
        );
        return response.SubscriptionId;
    }

    private static async Task SetPublishingAsync(TestChannel client, uint subscription, bool isEnabled)
    {
        var response = await client.CallAsync<SetPublishingModeResponse>(
            new SetPublishingModeRequest
            {
                RequestHeader = client.Header(),
                PublishingEnabled = isEnabled,
                SubscriptionIds = [subscription],
            }
        );
        Assert.Equal([StatusCodes.Good], response.Results!);
    }

    private static async Task MonitorAsync(
        TestChannel client,
        uint subscription,
        NodeId node,
        MonitoringMode mode = MonitoringMode.Reporting
    )
    {
        var response = await client.CallAsync<CreateMonitoredItemsResponse>(
            new CreateMonitoredItemsRequest
            {
                RequestHeader = client.Header(),
                SubscriptionId = subscription,
                TimestampsToReturn = TimestampsToReturn.Both,
                ItemsToCreate =
                [
                    new MonitoredItemCreateRequest
                    {
                        ItemToMonitor = new ReadValueId { NodeId = node, AttributeId = (uint)AttributeId.Value },
                        MonitoringMode = mode,
                        RequestedParameters = new MonitoringParameters { ClientHandle = 1, QueueSize = 1 },
                    },
                ],
            }
        );
        Assert.Equal(StatusCodes.Good, Assert.Single(response.Results!).StatusCode);
    }

    // The value of the next notification.
    private static async Task<DataValue> NextAsync(TestChannel client)
    {
        while (true)
        {
            var response = await client.CallAsync<PublishResponse>(new PublishRequest { RequestHeader = client.Header() });
            if (response.NotificationMessage!.NotificationData is not [var data])
                continue;
            var reader = new UaReader(data.Bytes, EncodingLimits.Default);
            return Assert.Single(DataChangeNotification.Decode(ref reader).MonitoredItems!).Value;
        }
    }

    private static (uint Total, uint Errors) Difference(ServiceCounterDataType before, ServiceCounterDataType after) =>
        (after.TotalCount - before.TotalCount, after.ErrorCount - before.ErrorCount);

    private static byte[] Unsupported(TestChannel client, uint request)
    {
        using var output = new PooledOutput();
        var writer = new UaWriter(output);
        writer.NodeId(request);
        client.Header().Encode(ref writer);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        var deadline = System.Diagnostics.Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(30), "It has not come.");
            await Task.Yield();
        }
    }
}
