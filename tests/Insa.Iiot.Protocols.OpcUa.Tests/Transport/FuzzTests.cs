using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Tests.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Transport;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Transport;

/// <summary>Sends what nobody should. <c>IIOT_OPCUA_FUZZ</c> says how many messages, for long runs.</summary>
public sealed class FuzzTests
{
    private const int Burst = 200;

    private static readonly int Messages = int.TryParse(
        Environment.GetEnvironmentVariable("IIOT_OPCUA_FUZZ"),
        CultureInfo.InvariantCulture,
        out var count
    )
        ? count
        : 20_000;

    [Theory]
    [InlineData((int)MessageSecurityMode.None)]
    [InlineData((int)MessageSecurityMode.SignAndEncrypt)]
    public async Task Every_message_on_a_channel_is_answered(int mode)
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        await using var channel = await TestChannel.OpenAsync(
            host,
            mode == (int)MessageSecurityMode.None ? SecurityPolicy.None : SecurityPolicy.Basic256Sha256,
            (MessageSecurityMode)mode
        );
        await channel.SignInAsync();
        var seeds = Seeds(channel);
        var random = new Random(mode);
        for (var sent = 0; sent < Messages; sent += Burst)
        {
            var burst = new List<byte>();
            for (var i = 0; i < Burst; i++)
                burst.AddRange(channel.Chunk(Mutate(seeds[random.Next(seeds.Length)], random)));
            var sending = channel.SendRawAsync([.. burst]);
            for (var i = 0; i < Burst; i++)
                await channel.ReadMessageAsync();
            await sending;
        }

        await channel.CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(channel));
        CheckNothingFailed(host);
    }

    [Fact]
    public async Task No_bytes_on_a_connection_do_harm()
    {
        await using var host = await OpcUaHost.StartAsync(options => options.AllowUnsecured = true);
        var random = new Random(5);
        for (var i = 0; i < Messages / 100; i++)
        {
            await using var channel = new TestChannel();
            await channel.ConnectAsync(host.Endpoint);
            try
            {
                var hello = TestChannel.Frame("HELF", WriteHello);
                await channel.SendRawAsync(random.Next(3) == 0 ? Mutate(hello, random) : hello);
                var open = channel.OpenChunkOf();
                await channel.SendRawAsync(random.Next(2) == 0 ? Mutate(open, random) : open);
                channel.ChannelId = 1;
                for (var n = 0; n < 3; n++)
                    await channel.SendRawAsync(Mutate(channel.Chunk(TestChannel.Encode(SecureChannelTests.Endpoint(channel))), random));
            }
            catch (IOException)
            {
                // It was cut off in the midst of it.
            }
        }

        await using var honest = await TestChannel.OpenAsync(host);
        await honest.CallAsync<GetEndpointsResponse>(SecureChannelTests.Endpoint(honest));
        var connections = host.Services.GetRequiredService<ConnectionTable>();
        Assert.True(SpinWait.SpinUntil(() => connections.Count == 1, TimeSpan.FromSeconds(20)));
        CheckNothingFailed(host);

        static void WriteHello(ref UaWriter writer)
        {
            writer.UInt32(0);
            writer.UInt32(65536);
            writer.UInt32(65536);
            writer.UInt32(0);
            writer.UInt32(0);
            writer.String("opc.tcp://localhost");
        }
    }

    private static byte[][] Seeds(TestChannel channel) =>
        [
            TestChannel.Encode(SecureChannelTests.Endpoint(channel)),
            TestChannel.Encode(
                new FindServersRequest
                {
                    RequestHeader = channel.Header(),
                    LocaleIds = ["en"],
                    ServerUris = ["a", null],
                }
            ),
            TestChannel.Encode(channel.CreateRequest()),
            TestChannel.Encode(
                new ActivateSessionRequest
                {
                    RequestHeader = channel.Header(),
                    ClientSignature = new SignatureData(),
                    UserIdentityToken = TestSession.Wrap(
                        new UserNameIdentityToken
                        {
                            PolicyId = "a",
                            UserName = "b",
                            Password = [1, 2],
                        }
                    ),
                    UserTokenSignature = new SignatureData(),
                }
            ),
            TestChannel.Encode(new CancelRequest { RequestHeader = channel.Header(), RequestHandle = 1 }),
        ];

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = (byte[])seed.Clone();
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    // Lengths and counts are where harm is done.
                    var length = random.Next(3) switch
                    {
                        0 => int.MaxValue,
                        1 => -random.Next(3),
                        _ => random.Next(100_000),
                    };
                    BitConverter.TryWriteBytes(bytes.AsSpan(Math.Max(0, Math.Min(at, bytes.Length - 4))), length);
                    break;
                default:
                    bytes = bytes[..Math.Max(1, at)];
                    break;
            }
        }

        return bytes;
    }

    private static void CheckNothingFailed(OpcUaHost host) =>
        Assert.DoesNotContain(host.Logs.Collector.GetSnapshot(), record => record.Level >= LogLevel.Error);
}
