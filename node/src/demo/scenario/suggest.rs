//! What to try next, as commands that can be typed as they stand.

use super::Scenario;
use super::receipts::FOLDER;
use crate::demo::failure::DemoError;
use crate::demo::summary::Summary;
use crate::demo::tiers::{CENTRE, COMMUNE, DISTRICT};

impl Scenario<'_> {
    /// Ends the demo: how it went, and what a person may do now.
    pub(in crate::demo) fn suggest(&self, running: bool, summary: &Summary) {
        let page = self.page;
        let seconds =
            format!("{}.{:01}", summary.elapsed_ms / 1000, summary.elapsed_ms % 1000 / 100);
        page.line("");
        page.line(match summary.ok {
            true => page.pick(
                format!("Everything was as it should be; {seconds} s."),
                format!("Mọi việc đều đúng; {seconds} giây."),
            ),
            false => page.pick(
                format!("Something was NOT as it should be; {seconds} s."),
                format!("Có việc KHÔNG đúng; {seconds} giây."),
            ),
        });
        page.line(page.pick("\nWhat to try next", "\nThử tiếp"));
        if running {
            self.commands();
            page.line(page.pick(
                "\nThe nodes keep running. Ctrl-C stops them.",
                "\nCác nút vẫn chạy. Nhấn Ctrl-C để dừng.",
            ));
            return;
        }
        page.line(page.pick(
            "   tram demo --keep            leave the nodes running, with the commands to look around",
            "   tram demo --keep            để các nút chạy tiếp, kèm các lệnh để xem",
        ));
        page.line(page.pick(
            "   tram demo --dir ./demo      keep keys, certificates, receipts and logs in a folder",
            "   tram demo --dir ./demo      giữ khóa, chứng thư, biên nhận và nhật ký trong thư mục",
        ));
        page.line(page.pick(
            "   docs/operations.md          a first node of your own, typed by hand",
            "   docs/operations.md          tự cài đặt nút đầu tiên",
        ));
    }

    fn commands(&self) {
        for command in self.command_lines().unwrap_or_default() {
            self.page.line(format!("   {command}"));
        }
    }

    fn command_lines(&self) -> Result<Vec<String>, DemoError> {
        // As it was typed, so that the lines work wherever the program lies.
        let tram = std::env::args().next().unwrap_or_else(|| "tram".to_owned());
        let at = |code: &str| -> Result<String, DemoError> {
            Ok(format!("{tram} --socket {}", self.network.node(code)?.socket.display()))
        };
        let (centre, district, commune) = (at(CENTRE)?, at(DISTRICT)?, at(COMMUNE)?);
        let mut lines = vec![
            format!("{district} status"),
            format!("{district} peer list"),
            format!("{commune} inbox list --agency {COMMUNE}"),
            format!("{centre} receipt list --agency {CENTRE}"),
            format!("{centre} store check"),
        ];
        if let Some(id) = self.directive.get() {
            lines.insert(2, format!("{district} track {id}"));
        }
        let dir = self.network.dir.display();
        lines.push(format!(
            "{tram} verify {dir}/{FOLDER}/{CENTRE}/* --root {} --directory {}",
            self.network.root_file.display(),
            self.network.directory_file.display(),
        ));
        Ok(lines)
    }
}
