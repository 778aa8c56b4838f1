using System.Text;
using CsCheck;
using Insa.Iiot.Protocols.Amqp.Telemetry;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class PayloadDeviceTests
{
    private static readonly byte[] Syntax = [.. "{}[]\":\\,device_id "u8];

    [Theory]
    [InlineData("""{"device_id":"press","data":{"t":1}}""", "press")]
    [InlineData("""{"data":{"device_id":"inner","t":1},"device_id" : "press"}""", "press")]
    [InlineData("""[{"device_id":"press","data":{}},{"device_id":"pump","data":{}}]""", "press")]
    [InlineData("""{"data":{"text":"\"device_id\":\"no\""},"device_id":"press"}""", "press")]
    public void The_name_is_found(string json, string expected)
    {
        var buffer = new char[DeviceId.MaxLength];
        Assert.True(PayloadDevice.TryFind(Encoding.UTF8.GetBytes(json), buffer, out var length));
        Assert.Equal(expected, new string(buffer, 0, length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"data":{"t":1}}""")]
    [InlineData("""{"data":{"device_id":"inner"}}""")]
    [InlineData("""{"device_id":7}""")]
    [InlineData("""{"device_id":""}""")]
    [InlineData("""{"device_id":"preß"}""")]
    [InlineData("""{"x":"device_id"}""")]
    [InlineData("\"device_id\":\"press\"")]
    public void Without_one_there_is_none(string json) =>
        Assert.False(PayloadDevice.TryFind(Encoding.UTF8.GetBytes(json), new char[DeviceId.MaxLength], out _));

    [Fact]
    public void No_bytes_throw() =>
        Gen.OneOf(Gen.Byte, Gen.Int[0, Syntax.Length - 1].Select(i => Syntax[i]))
            .Array[0, 64]
            .Sample(bytes =>
            {
                PayloadDevice.TryFind(bytes, new char[DeviceId.MaxLength], out var length);
                return length <= DeviceId.MaxLength;
            });
}
