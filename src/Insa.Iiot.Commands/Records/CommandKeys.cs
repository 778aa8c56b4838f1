using System.Globalization;

namespace Insa.Iiot.Commands.Records;

/// <summary>The kinds and ids of the records. No device id holds a slash, so that a device's commands stand together.</summary>
internal static class CommandKeys
{
    public const string Queue = "command-queue";
    public const string Open = "command";
    public const string Closed = "command-closed";
    public const string News = "command-news"; // the platform's

    private const int Digits = 16;

    public static string PrefixOf(DeviceId device) => device.Value + "/";

    public static string OpenId(DeviceId device, long id) => $"{device.Value}/{id:x16}";

    /// <summary>Lists the latest first.</summary>
    public static string ClosedId(DeviceId device, long id) => $"{device.Value}/{long.MaxValue - id:x16}";

    public static long IdOf(ControlRecord record)
    {
        var number = long.Parse(record.Id.AsSpan(record.Id.Length - Digits), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return record.Kind == Open ? number : long.MaxValue - number;
    }
}
