using System.Buffers.Binary;
using System.Net.Sockets;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Tests.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Transport;

public sealed class HostileTests
{
    [Fact]
    public async Task The_answer_to_a_hello_is_within_what_both_sides_take()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        var acknowledge = await channel.HelloAsync(receiveBytes: uint.MaxValue, sendBytes: 9000, maxMessage: uint.MaxValue, maxChunks: 0);
        Assert.Equal(28, acknowledge.Length);
        Assert.Equal(0u, Number(8));
        Assert.Equal(9000u, Number(12));
        Assert.Equal(65536u, Number(16));
        Assert.Equal(4u * 1024 * 1024, Number(20));

        uint Number(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(acknowledge.AsSpan(offset));
    }

    [Theory]
    [InlineData("4845 4C46 0000 0000", 0x807E0000)] // a size of nothing
    [InlineData("4845 4C46 0700 0000", 0x807E0000)]
    [InlineData("4845 4C46 FFFF FFFF", 0x80800000)]
    [InlineData("4845 4C43 2000 0000", 0x807E0000)] // a hello in pieces
    [InlineData("4D53 4746 2000 0000", 0x807E0000)] // a message before anything
    [InlineData("4F50 4E46 8000 0000", 0x807E0000)]
    [InlineData("434C 4F46 2000 0000", 0x807E0000)]
    [InlineData("4143 4B46 1C00 0000", 0x807E0000)]
    [InlineData("5248 4546 2000 0000", 0x807E0000)]
    [InlineData("4745 5420 2F20 4854", 0x807E0000)] // "GET / HT"
    public async Task What_does_not_begin_as_it_should_is_told_so_and_closed(string bytes, uint status)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        await channel.SendRawAsync(Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)));
        Assert.Equal(new StatusCode(status), await channel.ReadErrorAsync());
    }

    [Theory]
    [InlineData("HELF", 0x807E0000)]
    [InlineData("MSGF", 0x807E0000)]
    [InlineData("CLOF", 0x807E0000)]
    [InlineData("OPNC", 0x807E0000)]
    public async Task A_channel_is_opened_before_anything_else(string type, uint status)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        await channel.HelloAsync();
        var frame = new byte[64];
        System.Text.Encoding.ASCII.GetBytes(type).CopyTo(frame, 0);
        frame[4] = 64;
        await channel.SendRawAsync(frame);
        Assert.Equal(new StatusCode(status), await channel.ReadErrorAsync());
    }

    [Theory]
    [InlineData(8)]
    [InlineData(23)]
    [InlineData(65537)]
    [InlineData(-1)]
    public async Task A_message_of_no_possible_size_ends_the_connection(int size)
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        var frame = new byte[8];
        System.Text.Encoding.ASCII.GetBytes("MSGF").CopyTo(frame, 0);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), size);
        await channel.SendRawAsync(frame);
        Assert.True((await channel.ReadErrorAsync()).IsBad);
    }

    [Fact]
    public async Task A_url_or_buffer_that_is_out_of_bounds_is_refused()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = new TestChannel();
        await channel.ConnectAsync(host.Endpoint);
        var small = await Assert.ThrowsAsync<TestChannel.RefusedException>(() => channel.HelloAsync(receiveBytes: 8191));
        Assert.Equal(StatusCodes.BadTcpNotEnoughResources, small.Status);

        await using var second = new TestChannel();
        await second.ConnectAsync(host.Endpoint);
        var large = await Assert.ThrowsAsync<TestChannel.RefusedException>(() => second.HelloAsync(new string('x', 5000)));
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, large.Status);
    }

    [Fact]
    public async Task Chunks_without_an_end_are_cut_off_early_while_nobody_has_signed_in()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        for (var i = 0; i < 2; i++)
            await channel.SendRawAsync(channel.Chunk(new byte[60_000], "MSGC", requestId: 5));
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task Chunks_without_content_or_end_are_cut_off_too()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        for (var i = 0; i < 20; i++)
            await channel.SendRawAsync(channel.Chunk([], "MSGC", requestId: 5));
        Assert.Equal(StatusCodes.BadTcpMessageTooLarge, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task All_requests_that_are_not_whole_share_one_budget_and_give_it_back()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxReceiveMemory = 1024 * 1024;
        });
        var budget = host.Services.GetRequiredService<ServerCore>().Receiving;
        var channels = new List<TestChannel>();
        var refused = 0;
        for (var i = 0; i < 20; i++)
        {
            var channel = await TestChannel.OpenAsync(host);
            channels.Add(channel);
            await channel.SendRawAsync(channel.Chunk(new byte[50_000], "MSGC", requestId: 5));
            await channel.SendRawAsync(channel.Chunk([1], "MSGC", requestId: 5));
        }

        foreach (var channel in channels)
        {
            // Those that were let in are still asked for the rest; a final chunk of nonsense is answered.
            try
            {
                await channel.SendRawAsync(channel.Chunk([1], "MSGF", requestId: 5));
                await channel.ReadMessageAsync();
            }
            catch (Exception e) when (e is TestChannel.RefusedException or IOException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1, 19);
        foreach (var channel in channels)
            await channel.DisposeAsync();
        Assert.True(SpinWait.SpinUntil(() => budget.Free == 1024 * 1024, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Chunks_of_two_requests_do_not_mix()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SendRawAsync(channel.Chunk([1], "MSGC", requestId: 5));
        await channel.SendRawAsync(channel.Chunk([1], "MSGC", requestId: 6));
        Assert.Equal(StatusCodes.BadTcpMessageTypeInvalid, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task Who_takes_too_long_is_told_and_cut_off()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await OpcUaHost.StartAsync(time: time);
        var connections = host.Services.GetRequiredService<ConnectionTable>();
        await using var silent = new TestChannel();
        await silent.ConnectAsync(host.Endpoint);
        await using var half = new TestChannel();
        await half.ConnectAsync(host.Endpoint);
        await half.HelloAsync();
        await using var partial = await TestChannel.OpenAsync(host);
        await partial.SendRawAsync(partial.Chunk([1], "MSGC", requestId: 5));
        await using var chunk = await TestChannel.OpenAsync(host);
        await chunk.SendRawAsync(chunk.Chunk([1, 2, 3])[..20]);
        await using var honest = await TestChannel.OpenAsync(host);
        await honest.CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(honest));
        Assert.True(SpinWait.SpinUntil(() => connections.Count == 5, TimeSpan.FromSeconds(20)));

        // What was sent has to have been read before the clock moves.
        Assert.True(SpinWait.SpinUntil(() => connections.Waiting >= 3, TimeSpan.FromSeconds(20)));

        time.Advance(TimeSpan.FromSeconds(11));
        connections.Sweep();
        Assert.Equal(StatusCodes.BadTimeout, await silent.ReadErrorAsync());
        Assert.Equal(StatusCodes.BadTimeout, await half.ReadErrorAsync());
        Assert.Equal(StatusCodes.BadTimeout, await partial.ReadErrorAsync());
        Assert.Equal(StatusCodes.BadTimeout, await chunk.ReadErrorAsync());
        await honest.CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(honest));
    }

    [Fact]
    public async Task A_token_that_is_not_renewed_ends_its_channel()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var host = await OpcUaHost.StartAsync(time: time);
        await using var channel = await TestChannel.OpenAsync(
            host,
            SecurityPolicy.Basic256Sha256,
            MessageSecurityMode.Sign,
            lifetime: 60_000
        );
        time.Advance(TimeSpan.FromSeconds(74));
        host.Services.GetRequiredService<ConnectionTable>().Sweep();
        await channel.CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(channel));
        time.Advance(TimeSpan.FromSeconds(2));
        await channel.SendAsync(SecureChannelTests.Endpoint(channel));
        Assert.Equal(StatusCodes.BadSecureChannelTokenUnknown, await channel.ReadErrorAsync());
    }

    [Fact]
    public async Task A_flood_of_channels_pushes_out_those_without_a_session_and_nobody_else()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxConnections = 5;
        });
        await using var honest = await TestChannel.OpenAsync(host);
        await honest.SignInAsync();
        var flood = new List<TestChannel>();
        try
        {
            for (var i = 0; i < 20; i++)
                flood.Add(await TestChannel.OpenAsync(host));
            await honest.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = honest.Header() });
            await flood[0].ReadToEndAsync();
            await flood[^1].CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(flood[^1]));
            var connections = host.Services.GetRequiredService<ConnectionTable>();
            Assert.True(SpinWait.SpinUntil(() => connections.Count <= 5, TimeSpan.FromSeconds(20)));
        }
        finally
        {
            foreach (var channel in flood)
                await channel.DisposeAsync();
        }
    }

    [Fact]
    public async Task Sessions_keep_their_connections_when_there_are_too_many()
    {
        await using var host = await OpcUaHost.StartAsync(options =>
        {
            options.AllowUnsecured = true;
            options.MaxConnections = 2;
        });
        await using var first = await TestChannel.OpenAsync(host);
        await first.SignInAsync();
        await using var second = await TestChannel.OpenAsync(host);
        await second.SignInAsync();
        await using var third = new TestChannel();
        await third.ConnectAsync(host.Endpoint);
        await third.ReadToEndAsync();
        await first.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = first.Header() });
        await second.CallAsync<CancelResponse>(new CancelRequest { RequestHeader = second.Header() });
    }

    [Fact]
    public async Task Requests_without_sense_are_answered_by_faults()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        await channel.SendRawAsync(channel.Chunk([]));
        Assert.Equal(StatusCodes.BadDecodingError, Fault(await channel.ReadMessageAsync()));
        await channel.SendRawAsync(channel.Chunk([1, 0, 0xAC]));
        Assert.Equal(StatusCodes.BadDecodingError, Fault(await channel.ReadMessageAsync()));
        var endpoints = TestChannel.Encode(SecureChannelTests.Endpoint(channel));
        await channel.SendRawAsync(channel.Chunk(endpoints[..^6]));
        Assert.Equal(StatusCodes.BadDecodingError, Fault(await channel.ReadMessageAsync()));
        Assert.Equal(StatusCodes.BadServiceUnsupported, await channel.FaultAsync(new QueryProbe()));

        static StatusCode Fault(byte[] message) => TestChannel.Decode<ServiceFault>(message).ResponseHeader!.ServiceResult;
    }

    [Fact]
    public async Task A_clock_that_is_wrong_or_a_timestamp_of_none_is_no_matter()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        foreach (var timestamp in new[] { 0, 1, long.MaxValue })
        {
            await channel.CallAsync<GetEndpointsResponse>(
                new GetEndpointsRequest
                {
                    RequestHeader = new RequestHeader { Timestamp = timestamp },
                    EndpointUrl = host.Url,
                }
            );
        }
    }

    [Fact]
    public async Task Many_requests_at_once_are_answered_in_order()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host, SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        var burst = Enumerable
            .Range(0, 500)
            .SelectMany(i =>
                channel.Chunk(
                    TestChannel.Encode(
                        new FindServersRequest
                        {
                            RequestHeader = new RequestHeader { RequestHandle = (uint)i },
                            EndpointUrl = host.Url,
                        }
                    )
                )
            )
            .ToArray();
        var sending = channel.SendRawAsync(burst);
        for (var i = 0; i < 500; i++)
        {
            var response = TestChannel.Decode<FindServersResponse>(await channel.ReadMessageAsync());
            Assert.Equal((uint)i, response.ResponseHeader!.RequestHandle);
        }

        await sending;
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_not_read_from()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        var core = host.Services.GetRequiredService<ServerCore>();
        var request = TestChannel.Encode(
            new GetEndpointsRequest { RequestHeader = new RequestHeader(), EndpointUrl = "opc.tcp://" + new string('x', 2000) }
        );
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var sent = 0;
        while (!stop.IsCancellationRequested && sent < 20_000)
        {
            var write = channel.SendRawAsync(channel.Chunk(request));
            if (await Task.WhenAny(write, Task.Delay(Timeout.Infinite, stop.Token)) != write)
                break;
            await write;
            sent++;
        }

        // Some megabytes lie in the sockets; what we hold for it is little.
        Assert.True(core.Options.MaxSendMemory - core.Sending.Free < 1024 * 1024);
    }

    [Fact]
    public async Task Connections_that_end_at_any_point_leave_nothing_behind()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        var core = host.Services.GetRequiredService<ServerCore>();
        var connections = host.Services.GetRequiredService<ConnectionTable>();
        for (var cut = 0; cut < 40; cut += 3)
        {
            using var tcp = new TcpClient();
            await tcp.ConnectAsync(host.Endpoint);
            await tcp.GetStream()
                .WriteAsync(
                    new byte[] { 0x48, 0x45, 0x4C, 0x46, 0x40, 0, 0, 0 }
                        .Concat(new byte[40])
                        .Take(cut)
                        .ToArray()
                );
        }

        for (var i = 0; i < 5; i++)
        {
            await using var channel = await TestChannel.OpenAsync(host);
            await channel.SendRawAsync(channel.Chunk(new byte[100], "MSGC", requestId: 9));
        }

        Assert.True(SpinWait.SpinUntil(() => connections.Count == 0, TimeSpan.FromSeconds(20)));
        Assert.Equal(core.Options.MaxReceiveMemory, core.Receiving.Free);
        Assert.Equal(core.Options.MaxSendMemory, core.Sending.Free);
    }

    [Fact]
    public async Task A_host_that_stops_says_so()
    {
        await using var host = await OpcUaHost.StartAsync();
        await using var channel = await TestChannel.OpenAsync(host);
        await host.StopAsync();
        Assert.Equal(StatusCodes.BadServerHalted, await channel.ReadErrorAsync());
    }
}
