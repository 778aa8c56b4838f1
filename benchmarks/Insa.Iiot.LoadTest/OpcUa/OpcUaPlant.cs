using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>The variables of both servers: as many, of the same type, named alike.</summary>
internal static class OpcUaPlant
{
    public const string Tenant = "load";
    public const string User = "press-00@load";
    public const string Password = "load";
    public const int Devices = 50;
    public const int MetricsPerDevice = 100;
    public const int Variables = Devices * MetricsPerDevice;

    public static string DeviceOf(int variable) => string.Create(CultureInfo.InvariantCulture, $"press-{variable / MetricsPerDevice:D2}");

    public static string MetricOf(int variable) => string.Create(CultureInfo.InvariantCulture, $"m{variable % MetricsPerDevice:D2}");

    /// <summary>Names a variable in a server's namespace.</summary>
    public static NodeId Id(ushort ns, int variable) => NodeId.OfString(ns, $"{DeviceOf(variable)}/{MetricOf(variable)}");
}
