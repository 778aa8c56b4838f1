using System.Text;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>The messages: readings of 100 devices, each with a time of its own.</summary>
internal static class ConsumeMessage
{
    public const int Devices = 100;

    public static string DeviceOf(int device) => $"d{device:D3}";

    public static string QueueOf(int queue) => $"load.{queue}";

    public static byte[] Write(int number, long startMilliseconds, int length)
    {
        var json = $$$"""{"data":{"temperature":{{{20 + (number % 100 / 10.0):F1}}}},"timestamp":{{{startMilliseconds + number}}}}""";
        return Encoding.ASCII.GetBytes(json.PadRight(length));
    }
}
