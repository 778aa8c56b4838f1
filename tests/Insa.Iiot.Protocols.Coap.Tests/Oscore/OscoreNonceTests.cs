using System.Globalization;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>No nonce under a key is used for two messages: what is sent under the same number is the same bytes.</summary>
public sealed class OscoreNonceTests
{
    private const int Devices = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task No_nonce_comes_twice_whatever_is_lost_repeated_observed_and_restarted(int seed)
    {
        CoapResource? resource = null;
        await using var world = await OscoreWorld.StartAsync(coap =>
        {
            resource = coap.Map("state");
            resource.IsObservable = true;
            resource.On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = new byte[3000] }));
        });
        var random = new Random(seed);
        var devices = new List<OscoreDevice>();
        for (var i = 0; i < Devices; i++)
        {
            var psk = new DevicePsk($"d{i}@plant", Enumerable.Repeat((byte)i, 32).ToArray());
            world.Coap.Keys[psk.Identity] = psk;
            devices.Add(
                new OscoreDevice(psk) { Address = PeerAddress.From(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 40_000 + i)) }
            );
        }

        // By the device, which its address tells, and the number: the server has one key for each.
        var sealedBytes = new Dictionary<(PeerAddress, long), byte[]>();
        var history = devices.ConvertAll(_ => new List<byte[]>());
        var echoes = new byte[]?[Devices];
        var opened = 0;
        var isHeld = false;
        void Drain()
        {
            while (world.Wire.Next() is { } sent)
            {
                var which = devices.FindIndex(device => device.Address == sent.Peer);
                if (sent.Type == CoapType.Confirmable && random.Next(3) > 0)
                    world.Receive(devices[which], Wire.Empty(CoapType.Acknowledgement, sent.Id));
                if (sent.Option(CoapOptionNumber.Oscore) is null)
                    continue;
                var number = OscoreDevice.NumberOf(sent);
                Assert.True(number >= 0, "A response under its request's nonce.");
                if (!sealedBytes.TryAdd((sent.Peer, number), sent.Datagram))
                    Assert.Equal(sealedBytes[(sent.Peer, number)], sent.Datagram);
                if (devices[which].Open(sent) is { } plain)
                {
                    opened++;
                    echoes[which] = plain.Option(CoapOptionNumber.Echo) ?? echoes[which];
                }
            }
        }

        for (ushort step = 0; step < 6000; step++)
        {
            var which = random.Next(Devices);
            var (device, sent) = (devices[which], history[which]);
            switch (random.Next(12))
            {
                case 0 when sent.Count > 0:
                    world.Receive(device, sent[random.Next(sent.Count)]); // a replay, or a duplicate
                    break;
                case 1 when sent.Count > 0:
                    world.Receive(device, sent[^1]);
                    break;
                case 2:
                    resource!.NotifyChanged();
                    break;
                case 3:
                    world.Pass(TimeSpan.FromMilliseconds(random.Next(3000)));
                    break;
                case 4 when random.Next(40) == 0:
                    world.Restart();
                    break;
                case 5 when !isHeld && random.Next(10) == 0:
                    world.Coap.HoldCommits();
                    isHeld = true;
                    break;
                case 6:
                    world.Coap.ReleaseCommits();
                    isHeld = false;
                    break;
                default:
                    var reading = System.Text.Encoding.UTF8.GetBytes(
                        string.Create(CultureInfo.InvariantCulture, $$$"""{"data":{"n":{{{step}}}}}""")
                    );
                    var type = random.Next(4) == 0 ? CoapType.NonConfirmable : CoapType.Confirmable;
                    var token = (byte)random.Next(1, 5);
                    var request = random.Next(3) switch
                    {
                        0 => device.Protect(step, CoapCode.Get, "state", [], type, token, echoes[which], (CoapOptionNumber.Observe, [])),
                        1 => device.Protect(step, CoapCode.Get, "time", [], type, (byte)(token + 10), echoes[which]),
                        _ => device.Protect(step, CoapCode.Post, "telemetry", reading, type, (byte)(token + 20), echoes[which]),
                    };
                    sent.Add(request);
                    world.Receive(device, request);
                    break;
            }

            if (step % 64 == 0)
                await Task.Yield();
            Drain();
        }

        world.Coap.ReleaseCommits();
        Drain();
        Assert.True(opened > 500, $"{opened} responses were opened.");
        Assert.True(sealedBytes.Count > 1000, $"{sealedBytes.Count} messages were sealed.");
        devices.ForEach(device => device.Dispose());
    }
}
