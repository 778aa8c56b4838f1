using System.Net;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A device that sends numbered readings over one protocol. Reading n has the time <c>start + n</c> milliseconds, however often it is sent.</summary>
internal interface ILoadDevice
{
    string Id { get; }

    /// <summary>Readings 0 to this, exclusive, are acknowledged.</summary>
    int Acknowledged { get; }

    /// <summary>Readings 0 to this, exclusive, were sent at least once.</summary>
    int Sent { get; }

    DateTimeOffset TimeOf(int reading);

    /// <summary>Sends, from the first reading that was not acknowledged, until the host is gone or it is stopped.</summary>
    /// <param name="endpoint">Where the host listens.</param>
    /// <param name="acknowledged">Hears of how many acknowledgements came at once.</param>
    /// <param name="stop">Stops it.</param>
    /// <exception cref="InvalidDataException">The host answered what it may not.</exception>
    Task RunAsync(IPEndPoint endpoint, Action<int> acknowledged, CancellationToken stop = default);
}
